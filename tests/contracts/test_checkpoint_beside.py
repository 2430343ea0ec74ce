"""The Checkpoint port as a saver beside the loop uses it: finished snapshots, and two threads with partitions each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from roompulse.errors import CheckpointAway, FencedError
from scorer.ports import PointLost, Snapshot
from tests.contracts.fold import Fold, point
from tests.contracts.stores import Store


@pytest.fixture
def fold(store: Store) -> Fold:
    """An owner with two saved rooms."""
    fold = Fold(store.owner())
    fold.claim()
    fold.step({b"a": b"1", b"b": b"2"})
    fold.save()
    return fold


def finished(fold: Fold) -> Snapshot:
    """A snapshot that holds the change alone: the fold's rows may move on while it is saved."""
    return replace(fold.snapshot(), everything=_moved_on)


def test_a_change_alone_is_enough_for_a_store_that_lost_nothing(store: Store, fold: Fold) -> None:
    """What the fold does while the snapshot is on its way is not in it, and comes with the next."""
    fold.step({b"a": b"11"})
    snapshot, then = finished(fold), fold.point
    fold.step({b"a": b"111", b"c": b"3"})
    fold.checkpoint.save(0, snapshot)
    assert point(store.owner().claim(0)) == then
    fold.claim()
    assert fold.point == then


@pytest.mark.parametrize("lost", ["the last writes", "everything"])
def test_a_change_against_a_lost_point_is_refused(store: Store, fold: Fold, lost: str) -> None:
    """The store stays as it is, and the next save, which can give every row, puts it right."""
    go_back = store.copy() if lost == "the last writes" else store.lose_everything
    older = fold.point if lost == "the last writes" else None
    fold.step({b"c": b"3"})
    fold.save()
    go_back()
    fold.step({b"a": b"11"})
    with pytest.raises(PointLost):
        fold.checkpoint.save(0, finished(fold))
    look = store.copy()
    assert point(store.owner().claim(0)) == older
    look()
    fold.step({b"b": b"22"})
    fold.save()
    assert point(store.owner().claim(0)) == fold.point


def test_a_change_of_a_fenced_owner_is_refused_whatever_was_lost(store: Store, fold: Fold) -> None:
    """The fence is looked at before the point: it is not the lost point that an owner left behind is told of."""
    second = Fold(store.owner())
    second.claim()
    second.step({b"a": b"11"})
    second.save()
    with pytest.raises(FencedError):
        fold.checkpoint.save(0, finished(fold))
    assert point(store.owner().claim(0)) == second.point


def test_a_store_that_was_away_takes_the_change_later(store: Store, fold: Fold) -> None:
    """A finished snapshot that could not be saved costs nothing: the one after it holds its change too."""
    store.go_away()
    fold.step({b"a": b"11"})
    with pytest.raises(CheckpointAway):
        fold.checkpoint.save(0, finished(fold))
    store.come_back()
    fold.step({b"b": b"22"})
    fold.checkpoint.save(0, finished(fold))
    assert point(store.owner().claim(0)) == fold.point


def test_two_threads_use_one_owner_with_partitions_each(store: Store) -> None:
    """One claims and lets go while the other saves; neither touches the other's points."""
    owner = store.owner()
    saved, claimed = Fold(owner, 1), Fold(owner, 2)
    saved.claim()

    def save() -> None:
        for number in range(50):
            saved.step({b"room %d" % (number % 7): b"%d" % number})
            saved.save()

    def claim() -> None:
        for _ in range(50):
            claimed.claim()
            claimed.step({b"a": b"1"})
            claimed.save()
            owner.release(2)

    with ThreadPoolExecutor(1) as beside:
        saving = beside.submit(save)
        claim()
        saving.result()
    assert point(store.owner().claim(1)) == saved.point
    assert point(store.owner().claim(2)) == claimed.point == (50, b"head 50", {b"a": b"1"})


def _moved_on() -> Iterator[tuple[bytes, bytes]]:
    raise PointLost("the rows have moved on")

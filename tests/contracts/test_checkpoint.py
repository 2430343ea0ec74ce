"""The Checkpoint port: the same cases against memory, a real Redis and the embedded Valkey."""

from __future__ import annotations

import os

import pytest

from roompulse.errors import CheckpointAway, FencedError
from tests.contracts.fold import Fold, point
from tests.contracts.stores import Store


@pytest.fixture
def fold(store: Store) -> Fold:
    """An owner with three saved rooms."""
    fold = Fold(store.owner())
    assert fold.claim() is None
    fold.step({b"a": b"1", b"b": b"2", b"c": b"3"})
    fold.save()
    return fold


def claimed(store: Store, partition: int = 0) -> tuple[int, bytes, dict[bytes, bytes]] | None:
    """What a new owner gets."""
    return point(store.owner().claim(partition))


def test_a_store_that_holds_nothing_gives_nothing(store: Store) -> None:
    """The first claim of a partition returns None, and so does the second."""
    owner = store.owner()
    owner.check()
    assert owner.claim(0) is None
    assert owner.claim(0) is None


def test_what_was_saved_is_claimed_by_the_next_owner(store: Store, fold: Fold) -> None:
    """A claim gives position, head and every row of the last save."""
    assert claimed(store) == (1, b"head 1", {b"a": b"1", b"b": b"2", b"c": b"3"})


def test_changes_and_removals_add_up(store: Store, fold: Fold) -> None:
    """Saves after the first write only what changed, and the sum of them is what memory holds."""
    fold.step({b"b": b"22", b"d": b"4"})
    fold.save()
    fold.step({b"e": b"5"}, removed=[b"a", b"never there"])
    fold.save()
    assert claimed(store) == (3, b"head 3", {b"b": b"22", b"c": b"3", b"d": b"4", b"e": b"5"})
    assert fold.asked_for_everything == 1


def test_an_owner_goes_on_from_what_it_claimed(store: Store, fold: Fold) -> None:
    """After a claim, a change is enough: nothing has to be written anew."""
    second = Fold(store.owner())
    second.claim()
    second.step({b"a": b"11"})
    second.save()
    assert claimed(store) == second.point
    assert second.asked_for_everything == 0


def test_the_head_may_change_alone(store: Store, fold: Fold) -> None:
    """A batch without rooms moves the position and the head."""
    fold.step(head=b"other \x00\xff")
    fold.save()
    assert claimed(store) == (2, b"other \x00\xff", {b"a": b"1", b"b": b"2", b"c": b"3"})


def test_the_head_may_change_at_the_same_position(store: Store, fold: Fold) -> None:
    """Two saves at one position are two points; the later one is what is claimed."""
    fold.head = b"another"
    fold.save()
    assert claimed(store) == (1, b"another", {b"a": b"1", b"b": b"2", b"c": b"3"})


def test_a_partition_may_have_a_point_without_rooms(store: Store) -> None:
    """An empty partition that was read up to a position is told from one that was never saved."""
    fold = Fold(store.owner())
    fold.claim()
    fold.step()
    fold.save()
    assert claimed(store) == (1, b"head 1", {})


def test_all_rooms_may_go(store: Store, fold: Fold) -> None:
    """Removing every room leaves a point without rooms."""
    fold.step(removed=[b"a", b"b", b"c"])
    fold.save()
    assert claimed(store) == (2, b"head 2", {})


def test_a_second_owner_fences_the_first(store: Store, fold: Fold) -> None:
    """After another claim, a save raises FencedError and changes nothing."""
    second = store.owner()
    assert point(second.claim(0)) == fold.point
    before = fold.point
    fold.step({b"a": b"late"})
    with pytest.raises(FencedError):
        fold.save()
    with pytest.raises(FencedError):
        fold.save()
    assert claimed(store) == before


def test_a_fenced_owner_may_claim_again(store: Store, fold: Fold) -> None:
    """Claiming again takes the fence back, from what the other left."""
    second = Fold(store.owner())
    second.claim()
    second.step({b"z": b"26"})
    second.save()
    assert point(fold.claim()) == second.point
    fold.step({b"a": b"11"})
    fold.save()
    second.step({b"z": b"27"})
    with pytest.raises(FencedError):
        second.save()
    assert claimed(store) == fold.point


def test_only_an_owner_may_save(store: Store, fold: Fold) -> None:
    """Without a claim, and after a release, a save raises FencedError."""
    fold.checkpoint.release(0)
    fold.step({b"a": b"late"})
    with pytest.raises(FencedError):
        fold.save()
    with pytest.raises(FencedError):
        Fold(store.owner()).save()
    assert claimed(store) == (1, b"head 1", {b"a": b"1", b"b": b"2", b"c": b"3"})


def test_lost_last_writes_are_written_anew(store: Store, fold: Fold) -> None:
    """A store that went back to an older point gets every room again with the next save, and no older room stays."""
    go_back = store.copy()
    fold.step({b"d": b"4"}, removed=[b"a"])
    fold.save()
    fold.step({b"b": b"22"})
    fold.save()
    go_back()
    fold.step({b"c": b"33"})
    fold.save()
    assert claimed(store) == (4, b"head 4", {b"b": b"22", b"c": b"33", b"d": b"4"})
    assert fold.asked_for_everything == 2


def test_a_store_that_lost_everything_is_written_anew(store: Store, fold: Fold) -> None:
    """After FLUSHALL the owner lives on: its next save writes every room."""
    store.lose_everything()
    fold.step({b"d": b"4"})
    fold.save()
    assert claimed(store) == fold.point
    assert len(fold.rows) == 4


def test_everything_lost_is_nothing_saved(store: Store, fold: Fold) -> None:
    """After FLUSHALL a new owner is told that there is nothing."""
    store.lose_everything()
    assert claimed(store) is None


def test_an_owner_outlives_the_loss_of_its_claim(store: Store, fold: Fold) -> None:
    """A store that lost the claim with its last second still belongs to the later owner, not to the one before."""
    go_back = store.copy()
    second = Fold(store.owner())
    second.claim()
    go_back()
    second.step({b"a": b"11"})
    second.save()
    fold.step({b"a": b"late"})
    with pytest.raises(FencedError):
        fold.save()
    assert claimed(store) == second.point


def test_an_earlier_owner_that_overslept_a_loss_costs_nothing(store: Store, fold: Fold) -> None:
    """Where it saves first, its point is an older one of the same fold; the later owner then writes everything."""
    go_back = store.copy()
    second = Fold(store.owner())
    second.claim()
    second.step({b"b": b"22"})
    second.save()
    go_back()
    fold.step({b"a": b"11"}, removed=[b"c"])
    fold.save()
    second.step({b"d": b"4"})
    second.save()
    assert claimed(store) == second.point
    with pytest.raises(FencedError):
        fold.save()


def test_an_owner_may_start_over(store: Store, fold: Fold) -> None:
    """An owner that cannot continue from what it claimed writes everything anew: no row that it rejected stays."""
    second = Fold(store.owner())
    second.claim()
    second.rows = {}
    second.step({b"a": b"rebuilt"})
    second.save(anew=True)
    second.step({b"b": b"rebuilt too"})
    second.save()
    assert second.asked_for_everything == 1
    assert claimed(store) == (3, b"head 3", {b"a": b"rebuilt", b"b": b"rebuilt too"})


def test_partitions_do_not_touch_each_other(store: Store, fold: Fold) -> None:
    """Claims and saves of one partition change nothing of another, also of one whose number begins alike."""
    others = {number: Fold(store.owner(), number) for number in (1, 10, 100)}
    for number, other in others.items():
        other.claim()
        other.step({b"a": b"%d" % number})
        other.save()
    fold.step({b"a": b"11"})
    fold.save()
    for number, other in others.items():
        assert claimed(store, number) == other.point
    assert claimed(store) == fold.point


def test_rows_and_ids_may_hold_any_bytes(store: Store) -> None:
    """Rows are binary; room ids are any UTF-8, also with spaces, line ends, braces, and of a thousand characters."""
    ids = ["room 1", "直播间", "🔥\r\n$3", "{0}:*?[a]", "x" * 1000, "\x00", "é"]
    rows = {room_id.encode(): os.urandom(64) + b"\r\n\x00*3\r\n" for room_id in ids}
    rows[b"empty"] = b""
    fold = Fold(store.owner(), 3)
    fold.claim()
    fold.step(rows)
    fold.save()
    fold.step(removed=["🔥\r\n$3".encode()])
    fold.save()
    assert claimed(store, 3) == fold.point


def test_ten_thousand_rooms_in_one_save(store: Store) -> None:
    """A large batch is one point as well, the first, a changed one and a removal."""
    fold = Fold(store.owner())
    fold.claim()
    fold.step({b"room %d" % number: os.urandom(2400) for number in range(10_000)})
    fold.save()
    assert claimed(store) == fold.point
    fold.claim()
    fold.step({room_id: os.urandom(2400) for room_id in list(fold.rows)})
    fold.save()
    fold.step(removed=list(fold.rows)[:9_000])
    fold.save()
    assert claimed(store) == fold.point


def test_a_store_that_was_away_is_caught_up_with(store: Store, fold: Fold) -> None:
    """While it is away every call raises CheckpointAway; the first save afterwards holds all that happened since."""
    store.go_away()
    fold.step({b"d": b"4"})
    with pytest.raises(CheckpointAway):
        fold.save()
    fold.step({b"e": b"5"}, removed=[b"a"])
    with pytest.raises(CheckpointAway):
        fold.save()
    with pytest.raises(CheckpointAway):
        store.owner().claim(0)
    store.come_back()
    fold.save()
    assert claimed(store) == fold.point

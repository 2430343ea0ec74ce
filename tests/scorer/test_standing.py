"""Where the partitions stand: open alerts counted, hottest rooms merged, as a slow look at every room says."""

from __future__ import annotations

from collections import Counter

from roompulse.rooms import KINDS, SEVERITIES
from scorer.owned import Owned
from scorer.pipeline.fold import Fold
from scorer.pipeline.hotlist import Hot
from scorer.pipeline.partition import Head
from scorer.standing import HOT_ROOMS, hottest, standing_of
from tests.scorer.fakes import START, Lab
from tests.scorer.loops import CONTEXT, partition_of, stream


def fold_with(partition: int, watermark: int | None, **excess: float) -> Fold:
    """A fold whose last hotlist holds rooms with this much above an expectation of 100."""
    fold = Fold(partition, CONTEXT)
    listed = tuple(Hot(more, room, 100 + more, 100, 0) for room, more in excess.items())
    fold.head = Head(watermark, listed=listed, follows=fold.head.follows)
    return fold


def names(hot: tuple[Hot, ...]) -> list[str]:
    """The rooms, in order."""
    return [room.room_id for room in hot]


def test_open_alerts_are_those_that_the_rooms_hold() -> None:
    """After every minute of a stream with surges and a slump: as many, of each kind and severity, as room by room."""
    seen: Counter[tuple[str, str]] = Counter()
    labs = [Lab(CONTEXT, 0), Lab(CONTEXT, 1)]
    for record in stream():
        lab = labs[partition_of((record.key or b"a").decode())]
        lab.send([record])
        slow: Counter[tuple[str, str]] = Counter()
        for fold in (lab.fold for lab in labs):
            for row in fold.rows_of(fold.rooms()):
                for kind, alert in zip(KINDS, row["alerts"], strict=True):
                    slow[kind, SEVERITIES[alert["severity"]]] += int(alert["open"])
        owned = {number: Owned(lab.fold, 5, 5, 5) for number, lab in enumerate(labs)}
        told = standing_of(owned, {0: 0, 1: 4}, ()).alerts
        assert +Counter(told) == +slow
        assert len(told) == len(KINDS) * len(SEVERITIES)
        seen |= slow
    assert {kind for kind, _ in +seen} >= {"surge", "slump"}


def test_the_hottest_rooms_are_merged_by_their_excess() -> None:
    """From all partitions, hottest first, ties by name, no more than are told however long the lists are."""
    folds = [fold_with(0, START, b=5, a=5, d=1), fold_with(1, START, c=9)]
    assert names(hottest(folds)) == ["c", "a", "b", "d"]
    many = [fold_with(p, START, **{f"r{p}-{n:02}": 50.0 - n for n in range(20)}) for p in range(3)]
    assert len(hottest(many)) == HOT_ROOMS
    assert min(room.excess for room in hottest(many)) >= 43
    assert hottest([]) == hottest([fold_with(0, None)]) == ()


def test_a_partition_that_has_stopped_lists_no_hot_rooms() -> None:
    """Its last list is of a minute long gone; at the turn of a minute the one that is behind still counts."""
    behind = [fold_with(0, START, a=1), fold_with(1, START - 1, b=2), fold_with(2, START - 2, c=3)]
    assert names(hottest(behind)) == ["b", "a"]


def test_a_room_on_two_partitions_is_told_once() -> None:
    """Prometheus would refuse two rows of one name; the hotter half is told."""
    (hot,) = hottest([fold_with(0, START, a=1), fold_with(1, START, a=2)])
    assert hot.excess == 2


def test_the_standing_of_partitions_on_their_way() -> None:
    """One that is read again lists no hot rooms, for they are of the past; what it lacks and what waits is told."""
    owned = {
        0: Owned(fold_with(0, START, a=1), position=7, live_from=7, saved_at=7),
        1: Owned(fold_with(1, START, b=2), position=3, live_from=8, saved_at=-1),
    }
    standing = standing_of(owned, {0: 2, 1: 0}, {4})
    assert names(standing.hot) == ["a"]
    assert standing.unsaved == {0: False, 1: True}
    assert standing.waiting == {4}
    assert standing.behind == {0: 2, 1: 0}

"""Where the partitions that are ours stand at one moment, for who watches the scorer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from roompulse.rooms import KINDS, SEVERITIES
from scorer.happenings import Following, Standing
from scorer.owned import Owned
from scorer.pipeline.fold import Fold
from scorer.pipeline.hotlist import Hot, ranked

HOT_ROOMS = 20
"""So many rooms are told by name, however many partitions there are and whatever a bundle says of its hotlists."""

_NEAR_MINUTES = 2
"""A partition's hotlist counts while its watermark is less than this behind the newest."""


def standing_of(owned: Mapping[int, Owned], behind: Mapping[int, int], waiting: Collection[int]) -> Standing:
    """The standing of all partitions in `owned`, so far `behind`; `waiting` are those yet to be taken over."""
    folds = {partition: mine.fold for partition, mine in owned.items()}
    live = [mine.fold for mine in owned.values() if mine.position >= mine.live_from]
    counts = sum((fold.open_alerts() for fold in folds.values()), np.zeros((len(KINDS), len(SEVERITIES)), np.int64))
    return Standing(
        behind=behind,
        rooms={partition: fold.live_rooms() for partition, fold in folds.items()},
        watermarks={p: fold.head.watermark for p, fold in folds.items() if fold.head.watermark is not None},
        fleet={partition: fold.head.fleet.is_open for partition, fold in folds.items()},
        follows={partition: _following(fold) for partition, fold in folds.items()},
        unsaved={partition: mine.unsaved for partition, mine in owned.items()},
        waiting=frozenset(waiting),
        alerts={
            (kind, severity): int(counts[row, column])
            for row, kind in enumerate(KINDS)
            for column, severity in enumerate(SEVERITIES)
        },
        hot=hottest(live),
    )


def hottest(folds: Iterable[Fold]) -> tuple[Hot, ...]:
    """The hottest rooms of the newest minute that is over, hottest first, as a reader of the hotlists merges them.

    A partition that has stopped, or is far behind, has no part in it; one that is a minute behind has, or the list
    would shrink at the turn of each minute.
    """
    heads = [fold.head for fold in folds]
    newest = max((head.watermark for head in heads if head.watermark is not None), default=0)
    near = (head for head in heads if head.watermark is not None and newest - head.watermark < _NEAR_MINUTES)
    by_name: dict[str, Hot] = {}
    for hot in ranked(hot for head in near for hot in head.listed):
        by_name.setdefault(hot.room_id, hot)  # a room that its producers split over two partitions is told once
    return tuple(by_name.values())[:HOT_ROOMS]


def _following(fold: Fold) -> Following:
    follows, begins = fold.head.follows, fold.head.follows.turns[-1].begins
    since = fold.head.born if begins is None else begins
    return Following(fold.label(follows.model), fold.label(follows.challenger), since, follows.plain)

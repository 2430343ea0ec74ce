"""Where the partitions stand: what gauges show."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from roompulse.rooms import KINDS, SEVERITIES
from scorer.happenings import Following, Standing
from scorer.partitions import Partitions
from scorer.pipeline.fold import Fold
from scorer.pipeline.hotlist import Hot, ranked

HOT_ROOMS = 20
"""So many rooms are told by name, however many partitions there are and whatever a bundle says of its hotlists."""

_NEAR_MINUTES = 2
"""A partition's hotlist counts while its watermark is less than this behind the newest."""


def standing_of(mine: Partitions) -> Standing:
    """Look at every partition that is ours. Raises BrokerError."""
    folds = {partition: mine[partition].fold for partition in mine}
    return Standing(
        behind={partition: mine.behind(partition) for partition in folds},
        rooms={partition: fold.live_rooms() for partition, fold in folds.items()},
        watermarks={p: fold.head.watermark for p, fold in folds.items() if fold.head.watermark is not None},
        fleet={partition: fold.head.fleet.is_open for partition, fold in folds.items()},
        follows={partition: _following(fold) for partition, fold in folds.items()},
        unsaved={partition: mine[partition].unsaved for partition in folds},
        waiting=mine.waiting,
        alerts=open_alerts(folds.values()),
        hot=hottest(fold for partition, fold in folds.items() if mine[partition].is_live),
    )


def _following(fold: Fold) -> Following:
    follows, begins = fold.head.follows, fold.head.follows.turns[-1].begins
    since = fold.head.born if begins is None else begins
    return Following(fold.label(follows.model), fold.label(follows.challenger), since, follows.plain)


def open_alerts(folds: Iterable[Fold]) -> dict[tuple[str, str], int]:
    """How many alerts are open, by kind and severity."""
    counts = np.zeros((len(KINDS), len(SEVERITIES)), np.int64)
    for fold in folds:
        counts += fold.open_alerts()
    return {(KINDS[kind], SEVERITIES[severity]): int(count) for (kind, severity), count in np.ndenumerate(counts)}


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

"""Where the partitions stand: what gauges show."""

from __future__ import annotations

from scorer.happenings import Following, Standing
from scorer.partitions import Partitions
from scorer.pipeline.fold import Fold


def standing_of(mine: Partitions) -> Standing:
    """Look at every partition that is ours. Raises BrokerError."""
    folds = {partition: mine[partition].fold for partition in mine}
    return Standing(
        {partition: mine.behind(partition) for partition in folds},
        {partition: fold.live_rooms() for partition, fold in folds.items()},
        {p: fold.head.watermark for p, fold in folds.items() if fold.head.watermark is not None},
        {partition: fold.head.fleet.is_open for partition, fold in folds.items()},
        {partition: _following(fold) for partition, fold in folds.items()},
    )


def _following(fold: Fold) -> Following:
    follows, begins = fold.head.follows, fold.head.follows.turns[-1].begins
    since = fold.head.born if begins is None else begins
    return Following(fold.label(follows.model), fold.label(follows.challenger), since, follows.plain)

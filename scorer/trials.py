"""The challengers that are tried now: each partition's follows from its log, like its champion."""

from __future__ import annotations

import time
from collections.abc import Sequence

from roompulse.errors import ModelMissing
from scorer.happenings import Report, Shadowed, ShadowMissing
from scorer.partitions import ModelFor
from scorer.pipeline.fold import Fold
from scorer.ports import Message
from scorer.shadow import Shadow

RETRY_S = 30.0


class Trials:
    """One shadow for each partition that has a challenger. A missing bundle is said and stops nothing."""

    def __init__(self, model_for: ModelFor, report: Report, share: float) -> None:
        """Tries nothing where `share` is 0."""
        self._model_for, self._report, self._share = model_for, report, share
        self._shadows: dict[int, Shadow] = {}
        self._next_try: dict[int, float] = {}

    def see(self, partition: int, fold: Fold, messages: Sequence[Message]) -> None:
        """Let the challenger of this partition, if it has one, see what was committed."""
        follows = fold.head.follows
        if not follows.challenger or not self._share:
            self.release(partition)
            return
        shadow = self._shadows.get(partition)
        if shadow is None or shadow.models != (follows.model, follows.challenger):
            shadow = self._begin(partition, fold)
        if shadow is not None:
            self._report(Shadowed(shadow.see(messages)))

    def release(self, partition: int) -> None:
        """End the trial in a partition."""
        self._shadows.pop(partition, None)
        self._next_try.pop(partition, None)

    def _begin(self, partition: int, fold: Fold) -> Shadow | None:
        self._shadows.pop(partition, None)
        if time.monotonic() < self._next_try.get(partition, 0.0):
            return None
        try:
            pair = self._model_for(fold.head.follows.model), self._model_for(fold.head.follows.challenger)
        except ModelMissing as error:
            self._next_try[partition] = time.monotonic() + RETRY_S
            self._report(ShadowMissing(partition, str(error)))
            return None
        fold.know(pair[1])  # so that it is told by its label, and at hand should it be promoted
        self._shadows[partition] = Shadow(partition, *pair, self._share)
        return self._shadows[partition]

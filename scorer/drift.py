"""Drift of the forecast's error by category and partition: when the model no longer fits a part of the rooms.

The error is that of the one-minute forecast relative to the naive one's, so that a busy evening is no drift. A detector
stands at the scorer's edge: what it finds becomes a metric and a log line, never an output record.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

from scorer.happenings import Committed, Drifted, Happening, Lost, Report

CATEGORIES = 8
"""So many categories are told apart, those that come first; all others are one."""
OTHER = "other"
NO_CATEGORY = "none"
_FORECASTS = 200
"""Forecasts that make one value for a detector: few enough to be quick, enough for a ratio that means something."""
_DELTA = 0.0002
_LARGEST = 5.0


@dataclass(slots=True)
class _Segment:
    """One category of one partition: forecasts judged, sums of their errors and of the naive one's, the detector.

    ADWIN keeps a window as long as its mean does not change and drops the older part when it does (Bifet and Gavalda,
    2007, Learning from Time-Changing Data with Adaptive Windowing).
    """

    detector: ADWIN
    sums: NDArray[np.float64]


class DriftWatch:
    """Feeds detectors from what the loop commits, and reports what they find."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._categories: set[str] = set()
        self._segments: dict[tuple[int, str], _Segment] = {}

    def __call__(self, happening: Happening) -> None:
        """Take a batch in, and forget a partition that has gone; other happenings do not matter here."""
        match happening:
            case Committed(tally):
                for (partition, category), sums in tally.errors.items():
                    self._take(partition, self._name(category), sums)
            case Lost(partition):
                self._segments = {key: segment for key, segment in self._segments.items() if key[0] != partition}
            case _:
                pass

    def _name(self, category: str) -> str:
        if category not in self._categories and len(self._categories) < CATEGORIES:
            self._categories.add(category)
        return (category or NO_CATEGORY) if category in self._categories else OTHER

    def _take(self, partition: int, category: str, sums: NDArray[np.float64]) -> None:
        segment = self._segments.get((partition, category))
        if segment is None:
            segment = self._segments[partition, category] = _Segment(ADWIN(delta=_DELTA), np.zeros(3))
        segment.sums += sums
        judged, error, naive = segment.sums.tolist()
        if judged < _FORECASTS or naive <= 0:
            return
        segment.sums[:] = 0
        before = segment.detector.estimation
        segment.detector.update(min(error / naive, _LARGEST))
        drifted = bool(segment.detector.drift_detected)
        self._report(Drifted(partition, category, drifted, before, segment.detector.estimation))

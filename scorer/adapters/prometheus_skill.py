"""Metrics of how good the forecasts are."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from scorer import happenings as told
from scorer.pipeline.partition import Tally
from scorer.pipeline.wave import JUDGED_HORIZONS


class SkillMetrics:
    """Judges by horizon against the naive forecast, which repeats the last value; errors are in counts a minute."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._judged = Counter(
            "roompulse_forecasts_judged", "Forecasts whose minute has come.", ["horizon"], registry=registry
        )
        self._error = Counter(
            "roompulse_forecast_absolute_error", "Sum of |actual - median|.", ["horizon"], registry=registry
        )
        self._naive_error = Counter(
            "roompulse_naive_absolute_error", "Sum of |actual - last value|.", ["horizon"], registry=registry
        )
        for horizon in map(str, JUDGED_HORIZONS):
            for counter in (self._judged, self._error, self._naive_error):
                counter.labels(horizon)
        self._gated = Counter(
            "roompulse_gated_forecasts", "Forecasts served from the plain mean, which was better.", registry=registry
        )
        # An honest 10-90 % interval holds 80 % of what comes.
        self._interval = Counter(
            "roompulse_intervals_judged", "10-90 % intervals of the next minute that were met.", registry=registry
        )
        self._inside = Counter("roompulse_intervals_covered", "Those that held the actual.", registry=registry)
        # Found by a detector for each category of a partition.
        segment = ["partition", "category"]
        self._segments: set[tuple[int, str]] = set()
        self._relative = Gauge(
            "roompulse_forecast_drift_relative_error",
            "Error over the naive forecast's, since it last changed; with --drift.",
            segment,
            registry=registry,
        )
        self._drifts = Counter(
            "roompulse_forecast_drifts", "Times that this error changed for good.", segment, registry=registry
        )

    def __call__(self, happening: told.Happening) -> None:
        """Count the errors of a committed batch, and drift."""
        match happening:
            case told.Committed(tally):
                self._judge(tally)
            case told.Drifted(partition, category, drifted, _, now):
                self._segments.add((partition, category))
                self._relative.labels(str(partition), category).set(now)
                self._drifts.labels(str(partition), category).inc(drifted)
            case told.Lost(partition):
                gone = {segment for segment in self._segments if segment[0] == partition}
                for _, category in gone:
                    self._relative.remove(str(partition), category)
                    self._drifts.remove(str(partition), category)
                self._segments -= gone
            case _:
                pass

    def _judge(self, tally: Tally) -> None:
        for horizon, (judged, error, naive) in zip(JUDGED_HORIZONS, tally.judged.tolist(), strict=True):
            self._judged.labels(str(horizon)).inc(judged)
            self._error.labels(str(horizon)).inc(error)
            self._naive_error.labels(str(horizon)).inc(naive)
        self._gated.inc(tally.gated)
        self._interval.inc(tally.covered[0])
        self._inside.inc(tally.covered[1])

"""Metrics of the models: which are followed, who is demoted, champion against challenger, control records."""

from __future__ import annotations

from collections import Counter as Tallied
from contextlib import suppress
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge

from scorer import happenings as told
from scorer.pipeline.wave import JUDGED_HORIZONS
from scorer.shadow import ROLES

CONTROLS = ("model", "challenger", "settings", "serve")
RESULTS = ("applied", "unchanged")


class ModelMetrics:
    """What the partitions follow, by what was told last, and how networks do against what could replace them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._info = Gauge(
            "roompulse_model_info", "Partitions that follow a model.", ["model", "role"], registry=registry
        )
        self._since = Gauge(
            "roompulse_model_since_timestamp_seconds",
            "Event time from which a champion has been followed, of the first partition to do so.",
            ["model"],
            registry=registry,
        )
        self._halted = Gauge(
            "roompulse_partition_halted",
            "1 while it lacks a bundle to follow.",
            ["partition"],
            registry=registry,
        )
        self._demoted = Gauge(
            "roompulse_network_demoted",
            "1 while the plain mean is served in the network's place.",
            ["partition"],
            registry=registry,
        )
        # Both forecasts of the same minutes, whichever was served: their ratio says whether the network is worth it.
        self._contest = [
            Counter(
                "roompulse_contest_judged", "Minutes that network and plain mean both forecast.", registry=registry
            ),
            Counter("roompulse_contest_network_absolute_error", "Sum of the network's errors.", registry=registry),
            Counter("roompulse_contest_plain_absolute_error", "Sum of the plain mean's.", registry=registry),
        ]
        # A sample of rooms, the same for both, each scored from scratch since the trial began.
        self._shadow_judged = Counter(
            "roompulse_shadow_judged",
            "Sampled forecasts judged.",
            ["role", "horizon"],
            registry=registry,
        )
        self._shadow_error = Counter(
            "roompulse_shadow_absolute_error", "Sum of their |actual - median|.", ["role", "horizon"], registry=registry
        )
        self._shadow_intervals = Counter(
            "roompulse_shadow_intervals_judged", "Sampled intervals that were met.", ["role"], registry=registry
        )
        self._shadow_inside = Counter(
            "roompulse_shadow_intervals_covered", "Those that held the actual.", ["role"], registry=registry
        )
        self._controls = Counter(
            "roompulse_control_records", "Control records obeyed.", ["control", "result"], registry=registry
        )
        for labels in product(CONTROLS, RESULTS):
            self._controls.labels(*labels)

    def __call__(self, happening: told.Happening) -> None:
        """See what is followed, and count."""
        match happening:
            case told.Standing(follows=follows):
                self._stand(list(follows.values()))
                for partition, following in follows.items():
                    self._demoted.labels(str(partition)).set(following.plain)
            case told.Recovered(partition):
                self._halted.labels(str(partition)).set(0)
            case told.Halted(partition, reason):
                self._halted.labels(str(partition)).set(bool(reason))
            case told.Lost(partition):
                for gauge in (self._halted, self._demoted):
                    with suppress(KeyError):  # a partition that came and went within seconds was never told about
                        gauge.remove(str(partition))
            case told.Committed(tally):
                for counter, more in zip(self._contest, tally.contest.tolist(), strict=True):
                    counter.inc(more)
                for label, count in tally.controls.items():
                    self._controls.labels(*label).inc(count)
            case told.Shadowed():
                self._shadow(happening)
            case _:
                pass

    def _stand(self, follows: list[told.Following]) -> None:
        self._info.clear()
        roles = Tallied((following.champion, ROLES[0]) for following in follows)
        roles += Tallied((following.challenger, ROLES[1]) for following in follows if following.challenger)
        for labels, partitions in roles.items():
            self._info.labels(*labels).set(partitions)
        self._since.clear()
        for model in {following.champion for following in follows}:
            since = [f.since for f in follows if f.champion == model and f.since is not None]
            if since:
                self._since.labels(model).set(min(since) * 60)

    def _shadow(self, shadowed: told.Shadowed) -> None:
        for role, tally in shadowed.tallies.items():
            for horizon, (judged, error, _) in zip(JUDGED_HORIZONS, tally.judged.tolist(), strict=True):
                self._shadow_judged.labels(role, str(horizon)).inc(judged)
                self._shadow_error.labels(role, str(horizon)).inc(error)
            self._shadow_intervals.labels(role).inc(tally.covered[0])
            self._shadow_inside.labels(role).inc(tally.covered[1])

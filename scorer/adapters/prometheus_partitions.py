"""Metrics of where each partition stands, and the hottest rooms by name."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from scorer import happenings as told
from scorer.pipeline.hotlist import Hot


class PartitionMetrics:
    """Gauges that come with a partition and go with it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, ["partition"], registry=registry)

        self._lag = gauge("roompulse_offset_lag", "Messages not read yet.")
        self._watermark = gauge("roompulse_watermark_timestamp_seconds", "The highest minute seen, as event time.")
        self._event_lag = gauge("roompulse_event_time_lag_seconds", "Wall clock less watermark.")
        self._rooms = gauge("roompulse_rooms_live", "Rooms not silent.")
        self._fleet_open = gauge("roompulse_fleet_events_open", "1 while a fleet event is open.")
        # From taking over to writing. Once the checkpoint is lost this takes as long as the topic is long.
        self._rebuilding = gauge(
            "roompulse_rebuilding", "1 while the partition is read again up to where its output was committed."
        )
        # Its age is the work that a crash now would have to do again.
        self._saved_at = gauge(
            "roompulse_checkpoint_saved_timestamp_seconds", "Wall clock at which the checkpoint last lacked nothing."
        )
        self._hot = _HotRooms()
        registry.register(self._hot)

    def __call__(self, happening: told.Happening) -> None:
        """See how the partitions stand."""
        match happening:
            case told.Standing():
                self._stand(happening)
            case told.Saved(partition, _, seconds):
                self._saved_at.labels(str(partition)).set(time.time() - seconds)  # when the point was made
            case told.Recovered(partition):
                self._rebuilding.labels(str(partition)).set(1)
                self._saved_at.labels(str(partition)).set(time.time())  # there is an age from the first moment on
            case told.Live(partition):
                self._rebuilding.labels(str(partition)).set(0)
            case told.Lost(partition):
                for gauge in (
                    self._lag, self._watermark, self._event_lag, self._rooms, self._fleet_open, self._rebuilding,
                    self._saved_at,
                ):  # fmt: skip
                    with suppress(KeyError):  # a partition that came and went within seconds was never told about
                        gauge.remove(str(partition))
            case _:
                pass

    def _stand(self, standing: told.Standing) -> None:
        for partition, behind in standing.behind.items():
            self._lag.labels(str(partition)).set(behind)
        for partition, rooms in standing.rooms.items():
            self._rooms.labels(str(partition)).set(rooms)
        for partition, is_open in standing.fleet.items():
            self._fleet_open.labels(str(partition)).set(is_open)
        for partition, minute in standing.watermarks.items():
            self._watermark.labels(str(partition)).set(minute * 60)
            self._event_lag.labels(str(partition)).set(time.time() - minute * 60)
        for partition, unsaved in standing.unsaved.items():
            if not unsaved:
                self._saved_at.labels(str(partition)).set(time.time())
        self._hot.rooms = standing.hot


class _HotRooms(Collector):
    """The only rows with a room's name, which is text that others chose; they go when the room leaves the list."""

    rooms: Sequence[Hot] = ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Give the rows as they stand."""
        rank = GaugeMetricFamily("roompulse_hot_room_rank", "Place among the hottest rooms, from 1.", labels=["room"])
        actual = GaugeMetricFamily("roompulse_hot_room_actual", "What a hot room had in the minute.", labels=["room"])
        expected = GaugeMetricFamily("roompulse_hot_room_expected", "What was expected of it.", labels=["room"])
        deviation = GaugeMetricFamily(
            "roompulse_hot_room_deviation_percent",
            "Actual over expected, in percent above it; none where less than 1 was expected.",
            labels=["room"],
        )
        for place, hot in enumerate(self.rooms, 1):
            label = [hot.room_id]
            rank.add_metric(label, place)
            actual.add_metric(label, hot.actual)
            expected.add_metric(label, hot.expected)
            if hot.expected >= 1:
                deviation.add_metric(label, 100 * hot.excess / hot.expected)
        return rank, actual, expected, deviation

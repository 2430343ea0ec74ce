"""The series of a room-minute beside its target: metrics, and the traffic channels that are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from roompulse.records import METRICS, RoomMinute
from roompulse.rooms import DRIVERS

CHANNEL_TOTALS = frozenset({"全部自然流量", "全部付费流量"})
"""The platform's own totals: sums of the other channels, left out of the drivers."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels that are told apart, at most 16, as (`natural` or `paid`, name) pairs."""

    vocabulary: tuple[tuple[str, str], ...]

    def names(self) -> list[str]:
        """What each of the DRIVERS columns is called in an alert; unused columns have no name."""
        told = [f"{kind} {name}" for kind, name in self.vocabulary]
        return [*METRICS, *told, *[""] * (DRIVERS - len(METRICS) - len(told) - 1), "other"]

    def columns(self, records: Sequence[RoomMinute]) -> NDArray[np.float64]:
        """The series that can drive an alert, shape (n, DRIVERS): NaN where a metric was not measured.

        A channel that a record does not name was not used in that minute: 0, unless it names none of that kind.
        """
        first = len(METRICS)
        by_kind: dict[str, dict[str, int]] = {"natural": {}, "paid": {}}
        for index, (kind, name) in enumerate(self.vocabulary, first):
            by_kind[kind][name] = index
        nothing, last = [float("nan")] * (DRIVERS - first), DRIVERS - 1
        rows: list[list[float | None]] = []
        for record in records:
            row: list[float | None] = [*astuple(record.metrics), *nothing]
            rows.append(row)
            others = 0.0
            for counts, places in ((record.natural, by_kind["natural"]), (record.paid, by_kind["paid"])):
                if not counts:
                    continue
                for index in places.values():
                    row[index] = 0.0
                for name, count in counts.items():
                    if (place := places.get(name)) is not None:
                        row[place] = count
                    elif name not in CHANNEL_TOTALS:
                        others += count
            if record.natural or record.paid:
                row[last] = others
        return np.array(rows, np.float64).reshape(-1, DRIVERS)


NO_CHANNELS = Channels(())
"""Tells none apart: all are other channels."""
DEFAULT_CHANNELS = Channels(
    (
        ("natural", "短视频引流"),
        ("natural", "抖音商城推荐"),
        ("natural", "直播推荐"),
        ("natural", "搜索"),
        ("natural", "个人主页&店铺&橱窗"),
        ("natural", "其他"),
        ("natural", "头条西瓜"),
        ("natural", "活动页"),
        ("natural", "关注"),
        ("paid", "千川PC版"),
        ("paid", "其他广告"),
        ("paid", "千川品牌广告"),
        ("paid", "品牌广告"),
        ("paid", "小店随心推"),
    )
)

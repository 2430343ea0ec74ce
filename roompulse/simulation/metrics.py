"""What else a room's minute shows: the crowd, comments, fans, orders, and the channels through which people came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roompulse.records import METRICS
from roompulse.simulation.traffic import TrafficMinute

NATURAL_TOTAL, PAID_TOTAL = "全部自然流量", "全部付费流量"
NATURAL = ("直播推荐", "短视频引流", "关注", "搜索", "个人主页&店铺&橱窗", "抖音商城推荐", "头条西瓜", "活动页", "其他")
PAID = ("千川PC版", "小店随心推", "千川品牌广告", "品牌广告", "其他广告")
"""The platform's own names: live recommendations, short videos, followers, search, shop pages, ...; advertising."""

# How the typical room's natural traffic is shared; rooms vary around it.
_NATURAL_WEIGHTS = (4.0, 2.0, 1.5, 0.8, 0.8, 0.4, 0.2, 0.2, 0.6)
_PAID_WEIGHTS = (3.0, 1.0, 0.5, 0.3, 0.4)
# A surge comes through one of these channels, in the order of `Anomalies.carrier`.
_CARRIERS = (0, 1, 3, len(NATURAL))


@dataclass(frozen=True, slots=True)
class MetricsMinute:
    """Metrics (rooms, 10) in the order of `METRICS`, channels (rooms, 9) and (rooms, 5) without the totals."""

    metrics: NDArray[np.float64]
    natural: NDArray[np.int64]
    paid: NDArray[np.int64]


class RoomMetrics:
    """Derives a minute's other numbers from the people who entered."""

    def __init__(self, rooms: int, draw: np.random.Generator) -> None:
        self._draw = draw
        paid_share = draw.beta(0.7, 3.0, (rooms, 1))
        natural = draw.dirichlet(_NATURAL_WEIGHTS, rooms) * (1 - paid_share)
        self._mix = np.concatenate([natural, draw.dirichlet(_PAID_WEIGHTS, rooms) * paid_share], axis=1)
        self._leave_share = 1 / np.exp(draw.uniform(np.log(2.0), np.log(15.0), rooms))
        self._comment_rate = np.exp(draw.uniform(np.log(0.01), np.log(0.2), rooms))
        self._fan_share = draw.uniform(0.005, 0.05, rooms)
        self._order_rate = np.exp(draw.uniform(np.log(0.0005), np.log(0.02), rooms))
        self._price = np.exp(draw.uniform(np.log(20.0), np.log(400.0), rooms))
        self._online = np.zeros(rooms, np.int64)

    def advance(self, traffic: TrafficMinute) -> MetricsMinute:
        """One minute on."""
        draw, entries = self._draw, traffic.entries
        present = np.where(traffic.opened, 0, self._online) + entries
        leaves = draw.binomial(present, self._leave_share)
        self._online = online = np.where(traffic.live, present - leaves, 0)
        mood = np.exp(0.3 * draw.standard_normal(len(entries)))
        comments = draw.poisson(online * self._comment_rate * mood)
        fans = draw.binomial(entries, self._fan_share)
        club = draw.binomial(fans, 0.15)
        orders = draw.poisson(online * self._order_rate)
        buyers = orders - draw.binomial(orders, 0.1)
        takings = np.round(orders * self._price * np.exp(0.2 * draw.standard_normal(len(entries))), 2)
        by_name = {
            "watch_ucnt": entries,
            "online_user_cnt": online,
            "leave_ucnt": leaves,
            "comment_cnt": comments,
            "incr_fans_cnt": fans,
            "fans_club_ucnt": club,
            "pay_order_gmv": takings,
            "pay_cnt": orders,
            "pay_ucnt": buyers,
            "uv_value": np.round(takings / np.maximum(online, 1), 2),
        }
        channels = draw.multinomial(entries, self._shares(traffic))
        return MetricsMinute(
            np.stack([by_name[name].astype(np.float64) for name in METRICS], axis=1),
            channels[:, : len(NATURAL)],
            channels[:, len(NATURAL) :],
        )

    def _shares(self, traffic: TrafficMinute) -> NDArray[np.float64]:
        """Each channel's share (rooms, 14). What a surge adds comes through its carrier; a slump takes from all."""
        factor = np.maximum(traffic.factor, 1.0)
        shares = self._mix / factor[:, None]
        rooms = np.arange(len(factor))
        shares[rooms, np.array(_CARRIERS)[traffic.carrier]] += 1 - 1 / factor
        total: NDArray[np.float64] = shares.sum(axis=1, keepdims=True)
        return shares / total

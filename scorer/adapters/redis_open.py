"""Chooses the way to Redis: one server, or a cluster."""

from __future__ import annotations

from scorer.adapters.redis_cluster import RedisClusterLink
from scorer.adapters.redis_link import RedisLink
from scorer.adapters.redis_place import RedisPlace

Link = RedisLink | RedisClusterLink


def open_link(place: str | RedisPlace, *, connect_timeout_s: float, answer_timeout_s: float) -> Link:
    """The link to a place, or to a URL. Nothing is asked yet. Raises UsageError."""
    place = RedisPlace(place) if isinstance(place, str) else place
    if place.cluster:
        return RedisClusterLink(place, connect_timeout_s=connect_timeout_s, answer_timeout_s=answer_timeout_s)
    return RedisLink(place, connect_timeout_s=connect_timeout_s, answer_timeout_s=answer_timeout_s)

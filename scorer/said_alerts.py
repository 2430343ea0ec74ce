"""Which alerts a batch opened, changed and ended: for who reads logs, and only when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from roompulse.topics import Topics
from scorer.pipeline.write import Line

MOST = 20
"""Ids of one kind of event: a line has an end, whatever happens to the fleet."""


class _Named(msgspec.Struct):
    alert_id: str
    event: str


_decode = msgspec.json.Decoder(_Named).decode


def said_alerts(batches: Iterable[Sequence[Line]]) -> dict[str, list[str]]:
    """Alert ids by event, in the order of the records; at most MOST of each."""
    found: dict[str, list[str]] = {}
    for lines in batches:
        for line in lines:
            if line.output.topic.endswith(Topics().alerts) and line.output.value is not None:
                alert = _decode(line.output.value)
                ids = found.setdefault(alert.event, [])
                if len(ids) < MOST:
                    ids.append(alert.alert_id)
    return found

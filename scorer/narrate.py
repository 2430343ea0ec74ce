"""What the loop tells, as log lines: what an operator has to know at info and above, each batch at debug."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from roompulse.stderr_log import fields
from scorer import happenings as told
from scorer.said_alerts import said_alerts

_log = logging.getLogger("roompulse.scorer")
_REPEAT_S = 10.0
WORTH_TELLING_S = 10.0
"""A backlog that takes longer than this is told."""
_UNHEEDED = (
    "goes on with the settings that it follows; --settings, --surge-budget and --slump-budget count only for "
    "partitions that begin anew, `roompulse settings apply` changes what holds"
)


class Narrator:
    """Logs what the loop tells. What repeats while a server is away is said every ten seconds, and how often it was."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        self._left_out: dict[str, int] = {}
        self._follows: dict[int, told.Following] = {}

    def __call__(self, happening: told.Happening) -> None:
        """Log one happening."""
        match happening:
            case told.Committed():
                if _log.isEnabledFor(logging.DEBUG):
                    _tell_batch(happening)
            case told.Recovered():
                _tell_recovered(happening)
                if happening.unheeded:
                    text = f"partition {happening.partition}: {_UNHEEDED}"
                    self._now_and_then("settings", text, partition=happening.partition)
            case told.Live(partition, offset):
                _info(f"partition {partition}: live from offset {offset}", partition=partition, offset=offset)
            case told.Lost(partition):
                _info(f"partition {partition}: given up to another scorer", partition=partition)
            case told.Aborted(reason):
                text = f"transaction aborted, its messages are read again: {reason}"
                self._now_and_then("aborted", text, reason=reason)
            case told.BrokerAway(reason):
                self._now_and_then("broker", f"Kafka does not answer, trying again: {reason}", reason=reason)
            case told.RecoveryDelayed(partition, reason):
                text = f"partition {partition}: trying again: {reason}"
                self._now_and_then(f"recovery {partition}", text, partition=partition, reason=reason)
            case told.SaveDelayed(reason, waiting):
                text = f"checkpoint delayed, {waiting} rooms wait in memory: {reason}"
                self._now_and_then("save", text, rooms=waiting, reason=reason)
            case told.Reading(paused):
                _warn("reading pauses until Redis is back" if paused else "reading goes on", paused=paused)
            case told.Drifted(partition, category, True, before, now):
                _warn(
                    f"partition {partition}, category {category}: the forecast's error went from {before:.2f} to "
                    f"{now:.2f} of the naive one's",
                    partition=partition,
                    category=category,
                    before=before,
                    now=now,
                )
            case told.Halted(partition, ""):
                _warn(f"partition {partition}: goes on, its model is here", partition=partition)
            case told.Halted(partition, reason):
                text = f"partition {partition}: stands still: {reason}"
                self._now_and_then(f"halted {partition}", text, partition=partition, reason=reason)
            case told.ShadowMissing(partition, reason):
                text = f"partition {partition}: the challenger is not tried: {reason}"
                _warn(text, partition=partition, reason=reason)
            case told.Backlog(messages, seconds) if WORTH_TELLING_S <= seconds < math.inf:
                text = f"catching up: {messages:,} behind, about {seconds:.0f} s"
                self._now_and_then("backlog", text, messages=messages, seconds=round(seconds))
            case told.Standing(follows=follows):
                self._compare(follows)
            case told.Saved() | told.Drifted() | told.Shadowed() | told.Backlog():
                pass

    def _compare(self, follows: Mapping[int, told.Following]) -> None:
        """Say what the partitions follow where that is new."""
        for partition, now in follows.items():
            before = self._follows.get(partition)
            if before is None or (before.champion, before.challenger) != (now.champion, now.challenger):
                trying = f", trying {now.challenger} in its shadow" if now.challenger else ""
                text = f"partition {partition}: follows model {now.champion}{trying}"
                _info(text, partition=partition, champion=now.champion, challenger=now.challenger)
            if now.plain != (before is not None and before.plain):
                said = (
                    "the network is demoted, the plain mean is served" if now.plain else "the network is served again"
                )
                _warn(f"partition {partition}: {said}", partition=partition, plain=now.plain)
        self._follows = dict(follows)

    def _now_and_then(self, subject: str, text: str, **named: Any) -> None:
        now = time.monotonic()
        if now - self._said.get(subject, -_REPEAT_S) < _REPEAT_S:
            self._left_out[subject] = self._left_out.get(subject, 0) + 1
            return
        self._said[subject] = now
        left_out = self._left_out.pop(subject, 0)
        since = f" ({left_out} like it since the last such line)" if left_out else ""
        _warn(text + since, left_out=left_out, **named)


def _tell_batch(batch: told.Committed) -> None:
    counts: Counter[str] = Counter()
    for (_, _, event), count in batch.tally.alerts.items():
        counts[event] += count
    ids = said_alerts(outcome.lines for outcome in batch.outcomes.values()) if counts else {}
    listed = "".join(f"; {event} {counts[event]}: {_listed(found, counts[event])}" for event, found in ids.items())
    took = ", ".join(f"{stage} {1000 * seconds:.1f} ms" for stage, seconds in batch.stage_s.items())
    _log.debug(
        "%s",
        f"committed {batch.messages} messages, {counts.total()} alert records{listed}; {took}",
        extra=fields(
            partitions=sorted(batch.positions),
            offsets=dict(batch.positions),
            messages=batch.messages,
            rooms={partition: len(outcome.rooms) for partition, outcome in batch.outcomes.items()},
            alerts=dict(counts),
            alert_ids=ids,
            stage_s=dict(batch.stage_s),
        ),
    )


def _listed(ids: Sequence[str], count: int) -> str:
    return ", ".join(ids) + (", ..." if count > len(ids) else "")


def _tell_recovered(at: told.Recovered) -> None:
    named = fields(
        partition=at.partition,
        rooms=at.rooms,
        offset=at.applied,
        live_from=at.live_from,
        rebuilt=at.rebuilt,
        exact=at.exact,
    )
    if not at.rebuilt:
        text = "partition %d: %d rooms from the checkpoint at offset %d, live from %d"
        _log.info(text, at.partition, at.rooms, at.applied, at.live_from, extra=named)
        return
    how = "exactly" if at.exact else "approximately: the topic no longer holds the beginning"
    text = "partition %d: no checkpoint to continue from; rebuilding %s, from offset %d to %d"
    _log.warning(text, at.partition, how, at.applied, at.live_from, extra=named)


def _info(text: str, **named: Any) -> None:
    _log.info("%s", text, extra=fields(**named))


def _warn(text: str, **named: Any) -> None:
    _log.warning("%s", text, extra=fields(**named))

"""What the loop tells, as log lines: what an operator has to know at info and above, each batch at debug."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from scorer import happenings as told

_log = logging.getLogger("roompulse.scorer")
_REPEAT_S = 10.0


class Narrator:
    """Logs what the loop tells. What repeats while a server is away is said every ten seconds."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        self._follows: dict[int, told.Following] = {}

    def __call__(self, happening: told.Happening) -> None:
        """Log one happening."""
        match happening:
            case told.Committed(tally=tally, messages=messages, stage_s=stages):
                took = ", ".join(f"{stage} {1000 * seconds:.1f} ms" for stage, seconds in stages.items())
                _log.debug("committed %d messages, %d alert records; %s", messages, sum(tally.alerts.values()), took)
            case told.Recovered(rebuilt=False):
                _log.info(
                    "partition %d: %d rooms from the checkpoint at offset %d, live from %d",
                    happening.partition,
                    happening.rooms,
                    happening.applied,
                    happening.live_from,
                )
            case told.Recovered():
                how = "exactly" if happening.exact else "approximately: the topic no longer holds the beginning"
                _log.warning(
                    "partition %d: no checkpoint to continue from; rebuilding %s, from offset %d to %d",
                    happening.partition,
                    how,
                    happening.applied,
                    happening.live_from,
                )
            case told.Live(partition, offset):
                _log.info("partition %d: live from offset %d", partition, offset)
            case told.Lost(partition):
                _log.info("partition %d: given up to another scorer", partition)
            case told.Aborted(reason):
                _log.warning("transaction aborted, its messages are read again: %s", reason)
            case told.BrokerAway(reason):
                self._now_and_then("broker", f"Kafka does not answer, trying again: {reason}")
            case told.RecoveryDelayed(partition, reason):
                self._now_and_then(f"recovery {partition}", f"partition {partition}: trying again: {reason}")
            case told.SaveDelayed(reason, waiting):
                self._now_and_then("save", f"checkpoint delayed, {waiting} rooms wait in memory: {reason}")
            case told.Reading(paused):
                _log.warning("reading pauses until Redis is back" if paused else "reading goes on")
            case told.Drifted(partition, category, True, before, now):
                _log.warning(
                    "partition %d, category %s: the forecast's error went from %.2f to %.2f of the naive one's",
                    partition,
                    category,
                    before,
                    now,
                )
            case told.Halted(partition, ""):
                _log.warning("partition %d: goes on, its model is here", partition)
            case told.Halted(partition, reason):
                self._now_and_then(f"halted {partition}", f"partition {partition}: stands still: {reason}")
            case told.ShadowMissing(partition, reason):
                _log.warning("partition %d: the challenger is not tried: %s", partition, reason)
            case told.Standing(follows=follows):
                self._compare(follows)
            case told.Saved() | told.Drifted() | told.Shadowed():
                pass

    def _compare(self, follows: Mapping[int, told.Following]) -> None:
        """Say what the partitions follow where that is new."""
        for partition, now in follows.items():
            before = self._follows.get(partition)
            if before is None or (before.champion, before.challenger) != (now.champion, now.challenger):
                trying = f", trying {now.challenger} in its shadow" if now.challenger else ""
                _log.info("partition %d: follows model %s%s", partition, now.champion, trying)
            if now.plain != (before is not None and before.plain):
                said = (
                    "the network is demoted, the plain mean is served" if now.plain else "the network is served again"
                )
                _log.warning("partition %d: %s", partition, said)
        self._follows = dict(follows)

    def _now_and_then(self, subject: str, text: str) -> None:
        now = time.monotonic()
        if now - self._said.get(subject, -_REPEAT_S) >= _REPEAT_S:
            self._said[subject] = now
            _log.warning(text)

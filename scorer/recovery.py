"""Where a partition's fold starts when it becomes ours, and what must not be continued from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from msgspec import Struct, structs

from roompulse.errors import BrokerError, CheckpointAway, CheckpointError, FencedError
from roompulse.overrides import Overrides
from scorer.pipeline.follow import Follows, Turn
from scorer.pipeline.partition import Head
from scorer.ports import EventLog
from scorer.ports import Saved as SavedPoint


class SavedHead(Struct, frozen=True):
    """What is saved beside a partition's rooms: its own state, and all that says what the state belongs to."""

    layout: str
    topic_id: str
    partitions: int
    head: Head
    shape: tuple[int, int, int] | None = None
    """What `room_dtype` was given; an older version did not save it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Start at `applied`, write nothing before `live_from`; with the saved state, or from nothing.

    `rebuilt` says that there was a state and it is lost, `exact` whether re-reading gives all of it. `follows` are the
    models and settings to begin with where they are not those of the start: what changed them may lie before the part
    of the log that is read again.
    """

    applied: int
    live_from: int
    saved: SavedHead | None
    rebuilt: bool = False
    exact: bool = True
    follows: Follows | None = None


def read_head(saved: SavedPoint) -> SavedHead:
    """Decode a saved head. Raises CheckpointError."""
    try:
        return msgspec.json.decode(saved.head, type=SavedHead)
    except (msgspec.MsgspecError, ValueError) as error:
        raise CheckpointError(
            f"the checkpoint cannot be read: {error}. If a newer RoomPulse wrote it, go on with that version, or use "
            "another --redis-prefix to rebuild from the topic"
        ) from None


def who_is_away(error: CheckpointAway | BrokerError) -> str:
    """The server that did not answer; none where another scorer claimed the partition meanwhile."""
    if isinstance(error, FencedError):
        return ""
    return "kafka" if isinstance(error, BrokerError) else "redis"


def plan_recovery(
    partition: int, partitions: int, saved: SavedPoint | None, log: EventLog, layout: str, since_ms: int
) -> Plan:
    """Decide from the saved point, the committed offset and what the topic holds, which had so many `partitions` when
    this process began.

    A partition whose state is lost is read again from what was produced at `since_ms`, by Kafka's timestamps, on.
    Raises CheckpointError where going on would be wrong, with the way out.
    """
    committed = log.committed(partition)
    begin, end = log.bounds(partition)
    head = None if saved is None else read_head(saved)
    if head is not None:
        _refuse_another_topic(partition, head, log)
    if partitions != log.partition_count():
        raise CheckpointError(_grown("this scorer began", partitions, log))
    if (committed or 0) > end:
        raise CheckpointError(
            f"partition {partition}: the group has committed offset {committed}, and the topic ends at {end}: it lost "
            "records that were scored (restored from a backup, or an unclean leader election), and new ones would be "
            "taken for them. Use another --group-id and --redis-prefix"
        )
    if saved is None or head is None:
        return _rebuild(partition, committed, log, since_ms)
    follows = head.head.follows
    if saved.applied > (committed or 0):
        raise CheckpointError(
            f"partition {partition}: the checkpoint stands at offset {saved.applied}, beyond the group's committed "
            f"offset {'(none)' if committed is None else committed}. Either the group's offsets were reset or expired, "
            "or this is another group's Redis: use another --redis-prefix, or delete the keys of this one"
        )
    if head.layout != layout or saved.applied < begin:
        plan = _rebuild(partition, committed, log, since_ms)
        if plan.exact or not follows.turns:
            return plan
        return replace(plan, follows=structs.replace(follows, turns=(Turn(follows.model),)))
    return Plan(saved.applied, committed or 0, head, follows=follows)


def are_unheeded(given: Overrides, held: Overrides) -> bool:
    """Whether settings that a process was given differ from those that a partition goes on with, and that count."""
    return given not in (Overrides(), held)


def _rebuild(partition: int, committed: int | None, log: EventLog, since_ms: int) -> Plan:
    begin, _ = log.bounds(partition)
    if not committed:
        return Plan(begin, begin, None)
    live_from = max(begin, committed)
    start = min(max(begin, log.offset_at(partition, since_ms)), live_from)
    return Plan(start, live_from, None, rebuilt=True, exact=start == 0)


def _refuse_another_topic(partition: int, head: SavedHead, log: EventLog) -> None:
    if head.topic_id != log.topic_id():
        raise CheckpointError(
            f"partition {partition}: the checkpoint belongs to another topic (id {head.topic_id}, now "
            f"{log.topic_id()}): was it deleted and created anew? Use another --redis-prefix and --group-id"
        )
    if head.partitions != log.partition_count():
        raise CheckpointError(_grown("the checkpoint was made", head.partitions, log))


def _grown(what: str, partitions: int, log: EventLog) -> str:
    return (
        f"{what} when the topic had {partitions} partitions; it has {log.partition_count()} now, so rooms lie "
        "elsewhere: drain the old partitions, then use another --redis-prefix to rebuild"
    )

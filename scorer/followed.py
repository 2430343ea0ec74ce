"""What the partitions follow now, as their checkpoints say: models, whose forecast is served, and settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from roompulse.errors import CheckpointError
from roompulse.minutes import format_minute
from roompulse.settings import Settings, masked
from scorer.adapters.redis_heads import find_heads
from scorer.adapters.redis_place import place_of
from scorer.ports import Saved
from scorer.recovery import SavedHead, read_head

PLAIN_MEAN = "plain mean"


@dataclass(frozen=True, slots=True)
class Followed:
    """What one partition follows, in words. `since` is when its first rooms turned to the champion (None: not known),
    `turning_until` when the last ones will (None: all have). Times are in the offset of the partition's newest record.
    """

    partition: int
    applied: int
    watermark: str | None
    champion: str
    since: str | None
    turning_until: str | None
    challenger: str | None
    served: str


@dataclass(frozen=True, slots=True)
class Heads:
    """The saved heads by partition, the offset of each, and the partitions that have none."""

    saved: Mapping[int, SavedHead]
    applied: Mapping[int, int]
    missing: tuple[int, ...]


def read_heads(settings: Settings, partitions: int | None = None) -> Heads:
    """Read every partition's head; `partitions`, where known, says how many there should be.

    Raises CheckpointAway where Redis does not answer, CheckpointError where a head was written by another version.
    """
    found = find_heads(place_of(settings), settings.redis_prefix, timeout_s=settings.connect_timeout_s)
    saved: dict[int, SavedHead] = {}
    for partition, point in found.items():
        head = read_head(Saved(point.applied, point.head, ()))
        if not head.head.follows.turns:
            raise CheckpointError(f"partition {partition}: the checkpoint was written by another version of RoomPulse")
        saved[partition] = head
    count = partitions or max((head.partitions for head in saved.values()), default=0)
    missing = tuple(sorted(set(range(count)) - set(saved)))
    return Heads(saved, {partition: point.applied for partition, point in found.items()}, missing)


def read_known_heads(settings: Settings) -> Heads:
    """The same where at least one partition must have been saved. Raises CheckpointError with where it was looked."""
    heads = read_heads(settings)
    if not heads.saved:
        raise CheckpointError(
            f"no checkpoint in Redis at {masked(settings.redis_url)} under the prefix {settings.redis_prefix}: "
            "no scorer has saved one yet"
        )
    return heads


def followed(heads: Heads, labels: Mapping[str, str]) -> list[Followed]:
    """What each saved partition follows; `labels` by hash, of another bundle the beginning of its hash is told."""
    return [_followed(partition, heads, labels) for partition in sorted(heads.saved)]


def _followed(partition: int, heads: Heads, labels: Mapping[str, str]) -> Followed:
    head = heads.saved[partition].head
    follows, turn = head.follows, head.follows.turns[-1]

    def minute(epoch: int | None) -> str | None:
        return None if epoch is None else format_minute(epoch, head.offset)

    since = head.born if turn.begins is None else turn.begins
    last = None if turn.begins is None else turn.begins + turn.spread - 1
    turning = last is not None and (head.watermark is None or head.watermark < last)
    return Followed(
        partition,
        heads.applied[partition],
        minute(head.watermark),
        _label(turn.model, labels),
        minute(since),
        minute(last) if turning else None,
        _label(follows.challenger, labels) if follows.challenger else None,
        PLAIN_MEAN if follows.plain else "network",
    )


def _label(model: str, labels: Mapping[str, str]) -> str:
    return labels.get(model, model[:8])


def summary_of(heads: Heads, partitions: Iterable[Followed]) -> dict[str, Any]:
    """All of it for scripts."""
    return {"partitions": [asdict(one) for one in partitions], "without_checkpoint": list(heads.missing)}


def ranges(numbers: Iterable[int]) -> str:
    """Numbers in order, such as `0-3, 7`."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in spans)

"""All faults by name. Each acts on a scene."""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.pace import Act
from tests.chaos.scorer_faults import join_and_leave, kill, kill_at, namesake, zombie
from tests.chaos.service_faults import (
    away,
    cut,
    flush,
    flush_and_kill,
    full_disk,
    full_memory,
    kill_broker,
    lose_a_second,
    lose_a_second_and_kill,
    slow,
    stalled,
    unknown,
)
from tests.chaos.tripwires import POINTS, WITHIN_SEND

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """`rough` names the server whose network it needs."""

    act: Act
    rough: str = ""


_STOPS = (
    "after poll",
    WITHIN_SEND,
    "after send_positions",
    "before commit",
    "after commit",
    "before save",
    "after save",
)

FAULTS: dict[str, Fault] = {
    "kill": Fault(kill),
    **{f"kill {point}": Fault(kill_at(point)) for point in POINTS},
    "zombie": Fault(zombie()),
    **{f"zombie {point}": Fault(zombie(point)) for point in _STOPS},
    "namesake": Fault(namesake),
    "broker killed": Fault(kill_broker),
    "join and leave": Fault(join_and_leave),
    "redis loses a second": Fault(lose_a_second),
    "redis loses a second, kill": Fault(lose_a_second_and_kill),
    "flushall": Fault(flush),
    "flushall, kill": Fault(flush_and_kill),
    "redis away": Fault(away(5, 20)),
    "redis away a minute": Fault(away(MINUTE_S, MINUTE_S)),
    "redis disk full": Fault(full_disk),
    "redis memory full": Fault(full_memory),
    "redis slow": Fault(slow("redis"), "redis"),
    "redis stalled": Fault(stalled("redis"), "redis"),
    "redis cut": Fault(cut("redis"), "redis"),
    "exec unknown": Fault(unknown("redis", "EXEC", (0.2, 4)), "redis"),
    "kafka slow": Fault(slow("kafka"), "kafka"),
    "kafka stalled": Fault(stalled("kafka"), "kafka"),
    "kafka cut": Fault(cut("kafka"), "kafka"),
    "commit unknown": Fault(unknown("kafka", "EndTxn", (0.2, 0.2, 11, 22)), "kafka"),
    "positions unknown": Fault(unknown("kafka", "TxnOffsetCommit", (0.2, 11)), "kafka"),
    "records unknown": Fault(unknown("kafka", "Produce", (0.2, 11)), "kafka"),
}
SLOW = {"redis away a minute"}
"""Never the second fault of a trial: it has its share."""

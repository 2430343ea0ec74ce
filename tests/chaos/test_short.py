"""The crash matrix in short: ten trials, always the same, with the faults that say most. `make chaos` has them all."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.matrix import run_plans
from tests.chaos.plan import CLIENTS, draw, with_faults
from tests.chaos.stream import PARTITIONS, SLICES, slices
from tests.chaos.tripwires import POINTS
from tests.require import require

SEED = 20260501
TRIALS = (
    ("kafka-python", "kill before commit"),
    ("confluent", "kill before commit", "redis loses a second, kill"),
    ("kafka-python", "zombie after poll"),
    ("confluent", "zombie after poll"),
    ("kafka-python", "broker killed", "kill within send"),
    ("confluent", "broker killed"),
    ("kafka-python", "redis loses a second, kill", "kafka cut"),
    ("confluent", "flushall, kill"),
    ("kafka-python", "join and leave", "redis disk full"),
    ("confluent", "records unknown", "kill after save"),
)


@pytest.mark.timeout(1200)  # a machine with much other work; alone it takes a minute
def test_no_fault_changes_what_is_committed() -> None:
    """Each of the ten trials ends with the bytes of an undisturbed run, and with its checkpoint."""
    require("Java 17", shutil.which("java") is not None, "apt-get install openjdk-17-jre-headless")
    require("Maven", shutil.which("mvn") is not None, "apt-get install maven")
    plans = [with_faults(SEED, number, client, faults) for number, (client, *faults) in enumerate(TRIALS)]
    told: list[str] = []
    verdict = run_plans(SEED, plans, CLIENTS[:1], lambda result: told.append(result.line), at_once=2)
    assert not verdict.mismatches, "\n".join(told)
    assert verdict.trials == 1 + len(TRIALS)


def test_a_seed_gives_the_same_trials_again() -> None:
    """What a trial does is drawn from seed and number alone, whatever else is run."""
    plans = [draw(7, number, CLIENTS) for number in range(2 * len(FAULTS))]
    assert plans == [draw(7, number, CLIENTS) for number in range(2 * len(FAULTS))]
    assert plans != [replace(draw(8, number, CLIENTS), seed=7) for number in range(2 * len(FAULTS))]


def test_one_turn_has_every_fault_with_every_client_and_half_of_it_a_second_one() -> None:
    """Every named step among them."""
    plans = [draw(7, number, CLIENTS) for number in range(2 * len(FAULTS))]
    assert {(plan.faults[0], plan.client) for plan in plans} == {(fault, c) for fault in FAULTS for c in CLIENTS}
    assert {f"kill {point}" for point in POINTS} < FAULTS.keys()
    assert 0.3 < sum(len(plan.faults) == 2 for plan in plans) / len(plans) < 0.7


def test_the_input_has_slices_for_all_and_poison_between_good_records() -> None:
    """No slice is empty, every partition has its part, and bad records have good neighbours."""
    parts = slices()
    assert len(parts) == SLICES
    assert all(parts)
    records = [record for part in parts for record in part]
    assert {record.partition for record in records} == set(range(PARTITIONS))
    values = [record.value or b"" for record in records]
    poisoned = [
        at for at, value in enumerate(values) if not value.startswith(b'{"room_id":"') and b"minute" not in value
    ]
    assert len(poisoned) > 5
    assert all(values[at - 1].startswith(b'{"room_id":"') for at in poisoned)

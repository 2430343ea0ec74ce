"""Exactly-once, model-checked: nothing breaks with all guards, and without any single one of them something does.

ROOMPULSE_MODEL_EXAMPLES=20000 python -m pytest -n 0 tests/protocol -k all_guards     # for longer, elsewhere each time
"""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.protocol.guards import GUARDS, Guard
from tests.protocol.machine import Protocol
from tests.protocol.world import World, build
from tests.require import ROOT

LONG = os.environ.get("ROOMPULSE_MODEL_EXAMPLES", "")
EXAMPLES = 250
"""Enough that an order in which something breaks is found without any one guard, with those steps and faults."""
ELSEWHERE = {"`maxmemory-policy noeviction`, checked at the start"}
"""Guards against what the model has not: tests/journeys/test_hostile_services.py has this one."""


def search(examples: int, steps: int, phases: tuple[Phase, ...], guard: Guard | None = None) -> None:
    """Look for an order of things in which something breaks. Raises what then happens."""

    def machine() -> Protocol:
        world = World()
        if guard is not None:
            guard.world(world)
        return Protocol(world, None if guard is None else guard.faults)

    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]  # anything that makes a machine will do
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=phases,
            derandomize=not LONG,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(0 if LONG else 300)
def test_with_all_guards_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails, sleeps, crashes and forgets in whatever order."""
    build(monkeypatch)
    search(int(LONG or EXAMPLES), 40, (Phase.generate, Phase.shrink))


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_a_guard_something_breaks(monkeypatch: pytest.MonkeyPatch, guard: Guard) -> None:
    """One guard is taken out of the code, and an invariant does not hold any more: loss, repetition, or a mix."""
    build(monkeypatch)
    for cut in guard.cuts:
        cut.plant(monkeypatch)
    with pytest.raises(AssertionError):
        search(4 * EXAMPLES, 25, (Phase.generate,), guard)


def test_the_page_names_the_guards() -> None:
    """What docs/checkpoint.md says of guards is what is taken away here, in that order."""
    page = (ROOT / "docs" / "checkpoint.md").read_text(encoding="utf-8")
    tables = page.split("## What each guard is for")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|", tables, re.MULTILINE)
    named = [row for row in rows if row not in {"guard", "---"} and not set(row) <= set("-| ")]
    assert [name for name in named if name not in ELSEWHERE] == [guard.name for guard in GUARDS]

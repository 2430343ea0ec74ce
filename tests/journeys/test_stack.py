"""Each process of the native stack is killed: the right rule fires, the runbook names the fix, and the fix helps."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.journeys.native_stack import NativeStack
from tests.require import ROOT

RUNBOOK = ROOT / "docs" / "runbook.md"

TOLD_BY = {
    "producer": "NoEvents",
    "scorer-2": "ScorerDown",
    "notify": "NotifyDown",
    "alertmanager": "AlertmanagerDown",
    "redis": "RedisAway",
    "kafka": "BrokerAway",
    "prometheus": "Watchdog",
}
"""Which rule tells that a process has died; the last one by falling silent."""


@pytest.mark.timeout(400)
def test_the_death_of_each_process_is_told_and_so_is_its_return(tmp_path: Path) -> None:
    """kill -9 one after another: the right rule fires, and clears once the process runs again."""
    with NativeStack(tmp_path) as stack:
        assert stack.printed == stack.processes
        quiet = set(TOLD_BY.values()) - {"Watchdog"}
        stack.until("all is well", lambda: "Watchdog" in stack.told() and not stack.firing() & quiet)

        independent = ("producer", "scorer-2", "notify", "alertmanager")
        stack.kill(*independent)
        expected = {TOLD_BY[name] for name in independent}
        stack.until(f"{expected} fire", lambda: stack.firing() >= expected)
        stack.start_again()
        stack.until("the four are back", lambda: not stack.firing() & quiet and "Watchdog" in stack.told())

        # The checkpoint is written while events flow, so Redis's death has to be told before Kafka's.
        for name in ("redis", "kafka"):
            stack.kill(name)
            stack.until(f"{TOLD_BY[name]} fires", partial(stack.has_told, TOLD_BY[name]))
        stack.start_again()
        stack.until("Redis and Kafka are back", lambda: not stack.firing() & quiet)

        stack.kill("prometheus")
        stack.until("the watchdog falls silent", lambda: "Watchdog" not in stack.told())
        stack.start_again()
        stack.until("the watchdog is back", lambda: "Watchdog" in stack.told())

        processes = stack.processes.values()
        assert stack.end() == 0
        assert not stack.state_file.exists()
        assert not [process["log"] for process in processes if Path(process["log"]).parent.exists()]
        assert not [process["pid"] for process in processes if Path(f"/proc/{process['pid']}").exists()]


@pytest.mark.parametrize("name", TOLD_BY)
def test_the_runbook_names_the_fix(name: str) -> None:
    """What the rule's entry says to do, or the entry that it points to, has the command for that very process."""
    text = RUNBOOK.read_text(encoding="utf-8")
    done = dict(re.findall(r"^### (\w+)\n.*?^\*\*Do\*\* (.*?)^\*\*Harmless", text, re.MULTILINE | re.DOTALL))
    fix = done[TOLD_BY[name]]
    elsewhere = re.match(r"As for (\w+)", fix)
    fix += done[elsewhere[1]] if elsewhere else ""
    assert re.search(rf"`docker compose [a-z -]+[^`]*\b{re.escape(name)}\b", fix)


def test_what_is_missing_is_said_at_once(tmp_path: Path) -> None:
    """A machine without the servers gets one line with one command that installs them all, and exit code 1."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.native"],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert (
        "apt-get install --no-install-recommends openjdk-17-jre-headless maven redis-server prometheus" in done.stderr
    )

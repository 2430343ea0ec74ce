"""One trial: the input, the faults at their moments, the end, and the comparison."""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.outcome import Outcome, difference, read_outcome, until_committed
from tests.chaos.plan import Plan
from tests.chaos.scene import Scene
from tests.chaos.servers import RoughKafka, RoughRedis

FAULT_S = 240.0


@dataclass(frozen=True, slots=True)
class Result:
    """`mismatch` is empty where everything was equal; else `kept` is the folder with all logs."""

    plan: Plan
    outcome: Outcome | None
    mismatch: str
    seconds: float
    kept: str = ""
    ends: list[int] = field(default_factory=list)
    """How scorers ended by themselves before they were started again: exit codes."""
    missed: list[str] = field(default_factory=list)
    """Faults that found nothing to strike: their step did not pass in time, their request did not come."""

    @property
    def line(self) -> str:
        """The trial and how it went."""
        verdict = f"MISMATCH: {self.mismatch}\n  kept in {self.kept}" if self.mismatch else "equal"
        notes = f", ended by itself {self.ends}" if self.ends else ""
        notes += f", missed {self.missed}" if self.missed else ""
        return f"{self.plan.line}: {self.seconds:.1f} s{notes}: {verdict}"


def run_trial(plan: Plan, kafka: RoughKafka, reference: Outcome | None) -> Result:
    """Run it; without a reference its outcome is to become one. Whatever goes wrong is a mismatch."""
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"roompulse-chaos-{plan.seed}-{plan.number}-"))
    outcome, scene = None, None
    with RoughRedis() as redis:
        try:
            scene = Scene(plan, kafka, redis, folder, f"c{folder.name.rpartition('-')[2]}.")
            trouble = _play(scene)
            if not trouble:
                outcome = read_outcome(scene.settings, scene.topics, redis.port)
                trouble = difference(outcome, reference) if reference is not None else ""
        except Exception as error:  # noqa: BLE001 - it is what this trial has to tell
            trouble = f"{type(error).__name__}: {error}"
        finally:
            kafka.network.calm()
            kafka.start()
        if trouble:
            for server in (kafka, redis):
                shutil.copy(server.log, folder / f"{server.name}.log")
    ends: list[int] = []
    missed: list[str] = []
    if scene is not None:
        missed = scene.missed
        ends = [code for member in scene.members.values() for code in member.ends]
        scene.clean_up()
    if not trouble:
        shutil.rmtree(folder, ignore_errors=True)
    return Result(plan, outcome, trouble, time.monotonic() - started, str(folder) if trouble else "", ends, missed)


def _play(scene: Scene) -> str:
    """From the first scorer's start to the last one's end. Returns what went wrong before there was an outcome."""
    plan = scene.plan
    scene.begin()
    failed: list[str] = []
    threads = [
        threading.Thread(target=_strike, args=(scene, name, at, number, failed.append), daemon=True)
        for number, (name, at) in enumerate(zip(plan.faults, plan.at, strict=True))
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + FAULT_S
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            return "hang: a fault is not over"
    if failed:
        return "; ".join(failed)
    scene.feed.rest()
    missing = until_committed(scene.settings, scene.topics)
    scene.end()
    return "; ".join(filter(None, (missing, *scene.troubles)))


def _strike(scene: Scene, name: str, at: int, number: int, tell: Callable[[str], None]) -> None:
    try:
        scene.feed.until(at)
        if not FAULTS[name].act(scene, random.Random(f"{scene.plan.name}/{number}")):
            scene.missed.append(name)
    except Exception as error:  # noqa: BLE001 - told as what went wrong with the trial
        tell(f"the fault {name!r} failed: {type(error).__name__}: {error}")

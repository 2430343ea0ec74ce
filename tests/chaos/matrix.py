"""Many trials, some at once, against one reference."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.outcome import Outcome
from tests.chaos.plan import Plan, draw
from tests.chaos.servers import RoughKafka
from tests.chaos.trial import Result, run_trial


@dataclass(frozen=True, slots=True)
class Verdict:
    """All results, the undisturbed runs among them, which count as trials without a fault."""

    results: list[Result]
    seconds: float

    @property
    def trials(self) -> int:
        """How many were run."""
        return len(self.results)

    @property
    def faults(self) -> int:
        """How many faults struck in them."""
        return sum(len(result.plan.faults) - len(result.missed) for result in self.results)

    @property
    def mismatches(self) -> int:
        """How many did not come to the reference's bytes."""
        return sum(bool(result.mismatch) for result in self.results)

    @property
    def line(self) -> str:
        """What a run ends with."""
        return f"trials {self.trials} faults {self.faults} mismatches {self.mismatches}"


def run_matrix(
    seed: int,
    numbers: Iterable[int],
    clients: Sequence[str],
    tell: Callable[[Result], None],
    *,
    at_once: int = 2,
    minutes: float = float("inf"),
    fault: str = "",
) -> Verdict:
    """Draw these trials and run them: see `run_plans`."""
    drawn = (draw(seed, number, clients) for number in numbers)
    plans = [plan for plan in drawn if fault in plan.faults[0]]
    return run_plans(seed, plans, clients, tell, at_once=at_once, minutes=minutes)


def run_plans(
    seed: int,
    plans: Sequence[Plan],
    clients: Sequence[str],
    tell: Callable[[Result], None],
    *,
    at_once: int,
    minutes: float = float("inf"),
) -> Verdict:
    """Run the undisturbed trial of each client, which must agree and be the reference, then all others.

    Raises AssertionError where the reference is missing or says too little to be one.
    """
    started = time.monotonic()
    results: list[Result] = []
    waiting = iter([*(Plan(seed, -number, client) for number, client in enumerate(clients[1:], 1)), *plans])
    lock = threading.Lock()
    with RoughKafka() as kafka:
        first = run_trial(Plan(seed, 0, clients[0]), kafka, None)
        _note(first, results, tell)
        reference = _as_reference(first)

        def work(broker: RoughKafka) -> None:
            while time.monotonic() - started < 60 * minutes:
                with lock:
                    plan = next(waiting, None)
                if plan is None:
                    return
                result = run_trial(plan, broker, reference)
                with lock:
                    _note(result, results, tell)

        def work_alone() -> None:
            with RoughKafka() as broker:
                work(broker)

        others = [threading.Thread(target=work_alone, daemon=True) for _ in range(at_once - 1)]
        for other in others:
            other.start()
        work(kafka)
        for other in others:
            other.join()
    return Verdict(results, time.monotonic() - started)


def _note(result: Result, results: list[Result], tell: Callable[[Result], None]) -> None:
    results.append(result)
    tell(result)


def _as_reference(first: Result) -> Outcome:
    """The outcome, if every topic says something."""
    assert first.outcome is not None, first.mismatch
    topics = {topic for (topic, _), records in first.outcome.records.items() if records}
    missing = {topic for topic, _ in first.outcome.records} - topics
    assert not missing, f"nothing on {missing}: this input proves nothing about it"
    return first.outcome

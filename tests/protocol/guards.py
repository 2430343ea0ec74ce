"""The guards, each with the change to the code, or to what it relies on, that takes it away."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.protocol.world import World


@dataclass(frozen=True, slots=True)
class Cut:
    """In a function of ours each `old`, which stands there once, is replaced by its `new`."""

    function: str
    changes: Mapping[str, str]

    def plant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the changed function in the place of the real one."""
        path, _, name = self.function.rpartition(".")
        owner = _found(path)
        function = getattr(owner, name)
        text = textwrap.dedent(inspect.getsource(function))
        for old, new in self.changes.items():
            assert text.count(old) == 1, f"{self.function} no longer says `{old}` once: where is this guard now?"
            text = text.replace(old, new)
        scope: dict[str, Any] = {}
        exec(compile(text, self.function, "exec"), function.__globals__, scope)
        monkeypatch.setattr(owner, name, scope[name])


@dataclass(frozen=True, slots=True)
class Guard:
    """One row of the table in docs/checkpoint.md: its name there, and what is done to take it away.

    `faults` are the rules among which the search for a counterexample is quick.
    """

    name: str
    faults: frozenset[str]
    cuts: tuple[Cut, ...] = ()
    world: Callable[[World], None] = lambda world: None


def among(names: str) -> frozenset[str]:
    """Rules of the machine, by name."""
    return frozenset(names.split())


def _found(path: str) -> Any:
    """The class or module at this path."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, inside = path.rpartition(".")
        return getattr(importlib.import_module(module), inside)


def _read_uncommitted(world: World) -> None:
    world.broker.read_committed = False


def _no_generations(world: World) -> None:
    world.broker.generations = False


def _reconnects(world: World) -> None:
    world.reconnects = True


_REDIS = "scorer.adapters.redis_checkpoint"
_ANEW = f"{_REDIS}._write_anew"
_SAVE, _CLAIM = f"{_REDIS}.RedisCheckpoint._save", f"{_REDIS}.RedisCheckpoint._claim"
_TURN, _COMMIT = "scorer.loop.ScoringLoop.turn", "scorer.loop.ScoringLoop._commit"
_MINE = "scorer.partitions.Partitions"
_POINT_FENCE = 'yield ("SET", owned.keys.fence, owned.fence.encode())'
_ANEW_FENCE = '("SET", keys.fence, owned.fence.encode()),'
_APPLY = "self._mine[partition].apply(outcome, live[partition].position)"
_EARLY_SAVE = f"""for partition, outcome in outcomes.items():
        {_APPLY}
    self._mine.save()
    if outcomes and self._commit(live, outcomes):
        outcomes = {{}}"""
_OTHER_WAY = """(b"b", b"a") if seen.generation == b"a" else (b"a", b"b") if seen.generation == b"b\""""

GUARDS = (
    Guard(
        "fence, checked at each save",
        among("hand_over"),
        (Cut(_SAVE, {"owned.fence.check(seen.fence, partition)": "pass"}),),
    ),
    Guard(
        "the fence's number",
        among("hand_over crash_redis"),
        (Cut("scorer.adapters.fence.Fence.check", {"held.number >= self.number": "True"}),),
    ),
    Guard(
        "WATCH of the fence",
        among("hand_over sleep_at"),
        (Cut(f"{_REDIS}._look", {'("WATCH", keys.fence)': '("UNWATCH",)'}),),
    ),
    Guard(
        "the fence written by every transaction that moves the point",
        among("flush_redis"),
        (Cut(f"{_REDIS}._point", {_POINT_FENCE: "pass"}), Cut(_ANEW, {_ANEW_FENCE: ""})),
    ),
    Guard("stamp, compared at each save", among("crash_redis"), (Cut(_SAVE, {"seen.stamp == owned.stamp": "True"}),)),
    Guard("stamp, read back", among("fail_redis"), (Cut(_SAVE, {"if seen.stamp == stamp:": "if False:"}),)),
    Guard(
        "fence and stamp read again after a claim",
        among("hand_over sleep_at"),
        (
            Cut(
                _CLAIM,
                {
                    "fence.check(after.fence, partition)": "pass",
                    "if (after.fence, after.stamp) != (fence, seen.stamp):": "if False:",
                },
            ),
        ),
    ),
    Guard(
        "two generations",
        among("crash_redis fail_redis"),
        (Cut(_ANEW, {'(b"a", b"b") if seen.generation == b"a"': _OTHER_WAY}),),
    ),
    Guard(
        "UNLINK before filling a generation",
        among("break_off"),
        (Cut(_ANEW, {'("UNLINK", keys.rooms(new)),\n    ]': "]"}),),
    ),
    Guard(
        "one round at a time, waited for before a claim and a release",
        among("hand_over fail_kafka pace"),
        (Cut("scorer.saving.Saver.wait_for", {"self._collect() if partition in self._saving else set()": "set()"}),),
    ),
    Guard(
        "a snapshot holds copies",
        among("crash_redis pace"),
        (Cut("scorer.owned.Owned.hand_over", {"self._everything if whole else _moved_on": "self._everything"}),),
    ),
    Guard("one connection an attempt", among("crash_redis sleep_at"), world=_reconnects),
    Guard("read_committed, also for the committed offsets", among("hand_over sleep_at"), world=_read_uncommitted),
    Guard("the group's generation, sent with the offsets", among("hand_over sleep_at"), world=_no_generations),
    Guard(
        "rows taken over only after the commit",
        among("fail_kafka"),
        (Cut(_TURN, {"self._commit(live, outcomes)": "[self._commit(live, outcomes)]"}),),
    ),
    Guard(
        "saved only after the commit",
        among("fail_kafka"),
        (Cut(_TURN, {"if outcomes and self._commit(live, outcomes):": _EARLY_SAVE}),),
    ),
    Guard(
        "silence from the applied to the committed offset",
        among("crash_redis hand_over"),
        (Cut(f"{_MINE}._take_over", {"fold, plan.applied, plan.live_from,": "fold, plan.applied, plan.applied,"}),),
    ),
    Guard(
        "a silent step ends at the committed offset",
        among("crash_redis hand_over"),
        (Cut(f"{_MINE}.re_read", {"min(batch.position, owned.live_from)": "batch.position if before else 0"}),),
    ),
    Guard(
        "a point beyond the committed offset is refused",
        among("restore_kafka"),
        (Cut("scorer.partitions.plan_recovery", {"if saved.applied > (committed or 0):": "if False:"}),),
    ),
    Guard(
        "after an unknown outcome all is taken over again",
        among("fail_kafka"),
        (Cut(_COMMIT, {"self._mine.take(list(self._mine))": "self._mine.go_back(live)"}),),
    ),
)

"""Whatever happens in whatever order, a store holds one consistent point of the fold, and the last owner can go on.

Two owners fold one log. They claim, save, oversleep and crash; the store loses its last writes or all of them; and in
the middle of a save or a claim, between any two commands, the connection breaks, the process dies, or the other acts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from roompulse.errors import CheckpointAway, FencedError
from scorer.adapters import redis_checkpoint
from scorer.adapters.redis_link import Command, RedisSession
from tests.contracts.fold import Fold, Point, point
from tests.contracts.stores import InCluster, InRedis, Store

ROOMS = [b"a", b"b", b"c", b"d", b"e"]
OWNERS = st.sampled_from([0, 1])
BATCHES = st.tuples(
    st.dictionaries(st.sampled_from(ROOMS), st.binary(max_size=2), max_size=5),
    st.lists(st.sampled_from(ROOMS), max_size=3, unique=True),
)
ACTIONS = st.sampled_from(["cut", "die", "other claims", "other saves", "flush", "lose"])
PLANS = st.dictionaries(st.integers(0, 7) | st.integers(0, 30), ACTIONS, min_size=1, max_size=2)

Batch = tuple[dict[bytes, bytes], list[bytes]]


class Died(BaseException):
    """The process is gone, as far as it can tell."""


class Interruptions:
    """Counts the moments before and after every command to Redis, and does what is planned for a moment."""

    def __init__(self) -> None:
        self.plan: dict[int, Callable[[], None]] = {}
        self._moment = 0

    def begin(self, plan: dict[int, Callable[[], None]]) -> None:
        self.plan, self._moment = plan, 0

    def reached(self) -> None:
        action = self.plan.pop(self._moment, None)
        self._moment += 1
        if action is not None:
            rest, self.plan = self.plan, {}
            moment = self._moment
            try:
                action()
            finally:
                self.plan, self._moment = rest, moment


class Points(RuleBasedStateMachine):
    """The model: the log, of which every saved point must be a prefix, and who claimed last."""

    def __init__(self, store: Store, interruptions: Interruptions | None) -> None:
        super().__init__()
        self.store = store
        self.interruptions = interruptions
        self.log: list[Batch] = []
        self.past: list[Callable[[], None]] = []
        self.last_claim: int | None = None
        self.claim_is_stored = False
        self.folds = [self.new_fold(), self.new_fold()]

    def teardown(self) -> None:
        """Let go of the connections of all owners: a server takes only so many."""
        self.store.close()

    def new_fold(self) -> Fold:
        return Fold(self.store.owner())

    @initialize(log=st.lists(BATCHES, min_size=3, max_size=6))
    def empty(self, log: list[Batch]) -> None:
        """Begin with a point saved by the first owner, and the second about to take over."""
        self.store.lose_everything()
        self.log = log
        self.claim(0)
        self.save(0, 2)
        self.remember()
        self.claim(1)

    @rule(batch=BATCHES)
    def write_log(self, batch: Batch) -> None:
        self.log.append(batch)

    @rule(owner=OWNERS)
    def claim(self, owner: int) -> None:
        fold = self.folds[owner]
        fold.claim()
        self.last_claim, self.claim_is_stored = owner, True
        assert fold.point == self.expected(fold.applied)

    @rule(owner=OWNERS, batches=st.integers(0, 3))
    def save(self, owner: int, batches: int) -> None:
        self.advance(owner, batches)
        fold = self.folds[owner]
        try:
            fold.save()
        except FencedError:
            assert owner != self.last_claim, "the last owner was fenced"
            return
        assert owner == self.last_claim or not self.claim_is_stored, "an earlier owner could save"
        assert self.stored() == fold.point
        self.claim_is_stored = owner == self.last_claim

    @rule(owner=OWNERS)
    def crash(self, owner: int) -> None:
        self.folds[owner] = self.new_fold()
        if self.last_claim == owner:
            self.last_claim = None

    @rule()
    def remember(self) -> None:
        self.past.append(self.store.copy())

    @rule(back=st.integers(1, 3))
    def lose(self, back: int) -> None:
        if back <= len(self.past):
            del self.past[len(self.past) - back + 1 :]
            self.past[-1]()
            self.claim_is_stored = False

    @rule()
    def flush(self) -> None:
        self.past.clear()
        self.store.lose_everything()
        self.claim_is_stored = False

    @precondition(lambda self: self.interruptions is not None)
    @rule(owner=OWNERS, plan=PLANS, what=st.sampled_from(["save", "claim"]), batches=st.integers(0, 3))
    def interrupted(self, owner: int, plan: dict[int, str], what: str, batches: int) -> None:
        assert self.interruptions is not None
        self.interruptions.begin({moment: self.planned(action, owner) for moment, action in plan.items()})
        before = self.last_claim
        fold = self.folds[owner]
        self.advance(owner, batches)
        try:
            if what == "claim":
                fold.claim()
                assert fold.point == self.expected(fold.applied)
            else:
                fold.save()
        except Died:
            self.interruptions.begin({})
            self.crash(owner)
        except (FencedError, CheckpointAway):
            if what == "claim":
                self.folds[owner] = self.new_fold()
        finally:
            self.interruptions.begin({})
        # Who holds the fence now depends on the moment; a claim in peace makes it known again.
        if what == "claim" or before != self.last_claim:
            self.last_claim = None
        self.claim_is_stored = False

    def planned(self, action: str, owner: int) -> Callable[[], None]:
        other = self.folds[1 - owner]

        def claims() -> None:
            other.claim()
            assert other.point == self.expected(other.applied)
            self.last_claim = 1 - owner
            self.advance(1 - owner, 1)
            other.save()

        def saves() -> None:
            try:
                self.advance(1 - owner, 1)
                other.save()
            except FencedError:
                pass  # as it should be, unless the store had lost the claim

        def cut() -> None:
            raise redis.ConnectionError("cut by the test")

        def die() -> None:
            raise Died

        def lose() -> None:
            self.lose(1)
            cut()  # a server that loses its last writes was down

        known = {
            "cut": cut,
            "die": die,
            "other claims": claims,
            "other saves": saves,
            "flush": self.flush,
            "lose": lose,
        }
        return known[action]

    def advance(self, owner: int, batches: int) -> None:
        fold = self.folds[owner]
        for rows, removed in self.log[fold.applied : fold.applied + batches]:
            fold.step(rows, [room_id for room_id in removed if room_id not in rows])

    @invariant()
    def one_point(self) -> None:
        self.stored()

    def stored(self) -> Point | None:
        """What is stored, looked at without leaving a trace."""
        back = self.store.copy()
        found = point(self.store.owner().claim(0))
        back()
        if found is not None:
            assert found == self.expected(found[0])
        return found

    def expected(self, applied: int) -> Point:
        rows: dict[bytes, bytes] = {}
        for changed, removed in self.log[:applied]:
            rows.update(changed)
            for room_id in removed:
                if room_id not in changed:
                    rows.pop(room_id, None)
        return applied, b"head %d" % applied if applied else b"", rows


def test_a_store_holds_one_point_of_the_fold(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """See above; against memory, Redis, Valkey and a cluster, the servers interrupted between any two commands."""
    in_redis = isinstance(store, InRedis | InCluster)
    interruptions = _interrupt(monkeypatch) if in_redis else None
    run_state_machine_as_test(
        lambda: Points(store, interruptions),  # type: ignore[arg-type]  # anything that makes a machine will do
        settings=settings(
            max_examples=40 if in_redis else 300,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _interrupt(monkeypatch: pytest.MonkeyPatch) -> Interruptions:
    """Let every command to Redis be interrupted, and everything written anew take several transactions."""
    interruptions = Interruptions()
    ask, transaction = RedisSession.ask, RedisSession.transaction

    def asking(self: RedisSession, *commands: Command) -> list[Any]:
        interruptions.reached()
        replies = ask(self, *commands)
        interruptions.reached()
        return replies

    def executing(self: RedisSession, commands: Iterable[Command]) -> bool:
        interruptions.reached()
        done = transaction(self, commands)
        interruptions.reached()
        return done

    monkeypatch.setattr(RedisSession, "ask", asking)
    monkeypatch.setattr(RedisSession, "transaction", executing)
    monkeypatch.setattr(redis_checkpoint, "ROWS_A_TRANSACTION", 2)
    return interruptions

"""What only a server can do to a checkpoint: lose answers, crash, run out of room, freeze, refuse."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import pytest

from roompulse.errors import CheckpointAway, CheckpointError, FencedError, UsageError
from roompulse.local_server import free_port
from scorer.adapters import redis_checkpoint
from scorer.adapters.redis_checkpoint import RedisCheckpoint
from scorer.adapters.redis_link import Command, RedisSession
from tests.contracts.fold import Fold, point
from tests.contracts.stores import InRedis
from tests.services.proxy import Proxy
from tests.services.redis import crash_and_lose, written_bytes

EXEC = b"$4\r\nEXEC\r\n"


@pytest.fixture
def proxy(redis_store: InRedis) -> Iterator[Proxy]:
    """Between the owner and its server."""
    with Proxy(redis_store.server.port, EXEC) as proxy:
        yield proxy


@pytest.fixture
def fold(redis_store: InRedis, proxy: Proxy) -> Fold:
    """An owner that goes through the proxy, with three saved rooms."""
    fold = Fold(redis_store.owner(port=proxy.port))
    fold.claim()
    fold.step({b"a": b"1", b"b": b"2", b"c": b"3"})
    fold.save()
    fold.asked_for_everything = 0
    return fold


def claimed(store: InRedis) -> tuple[int, bytes, dict[bytes, bytes]] | None:
    """What a new owner gets."""
    return point(store.owner().claim(0))


def rooms_keys(store: InRedis) -> list[bytes]:
    """The keys that hold rooms."""
    return list(store.client.keys("*:rooms:*"))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_save_whose_answer_was_lost_is_read_back(
    redis_store: InRedis, proxy: Proxy, fold: Fold, when: Literal["before", "after"]
) -> None:
    """Executed or not, one call of save ends at its point, and writes nothing that it need not write."""
    fold.step({b"a": b"11"}, removed=[b"b"])
    proxy.cut(when)
    fold.save()
    assert proxy.cuts == 1
    assert fold.asked_for_everything == 0
    fold.step({b"c": b"33"})
    fold.save()
    assert fold.asked_for_everything == 0
    assert claimed(redis_store) == fold.point


@pytest.mark.parametrize("step", ["look", "transaction"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_claim_in_the_middle_of_a_save_is_noticed(
    redis_store: InRedis, fold: Fold, monkeypatch: pytest.MonkeyPatch, step: Literal["look", "transaction"], number: int
) -> None:
    """Before and after each look at the fence, also while everything is written anew, nothing slips in."""
    other = Fold(redis_store.owner())
    before = fold.point
    if number > 1:
        redis_store.client.hset("rp:{0}:head", "stamp", "an older one")
    fold.step({b"a": b"11"})

    def overtake() -> None:
        monkeypatch.undo()
        other.claim()

    if step == "look":
        look, count = redis_checkpoint._look, iter(range(1, 1000))

        def looking(session: RedisSession, keys: redis_checkpoint._Keys) -> redis_checkpoint._Seen:
            if next(count) == number:
                overtake()
            return look(session, keys)

        monkeypatch.setattr(redis_checkpoint, "_look", looking)
    else:
        _before_transaction(monkeypatch, number, overtake)
    with pytest.raises(FencedError):
        fold.save()
    assert other.point == before
    assert claimed(redis_store) == before


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_save_that_stays_unknown_is_found_out_by_the_next(
    redis_store: InRedis, monkeypatch: pytest.MonkeyPatch, when: Literal["before", "after"]
) -> None:
    """Where the server froze with the transaction in its hands, the next save still ends at memory's point."""
    owner = Fold(redis_store.owner())
    owner.claim()
    owner.step({b"a": b"1", b"b": b"2", b"c": b"3"})
    owner.save()
    owner.step({b"a": b"11"})
    if when == "before":
        redis_store.server.freeze()
    else:
        _before_transaction(monkeypatch, 1, redis_store.server.freeze)
    with pytest.raises(CheckpointAway):
        owner.save()
    redis_store.server.thaw()
    owner.step({b"d": b"4"}, removed=[b"c"])
    owner.save()
    assert claimed(redis_store) == owner.point


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("transaction", [0, 1, 2, 3])
def test_writing_everything_anew_survives_a_lost_connection(
    redis_store: InRedis,
    proxy: Proxy,
    fold: Fold,
    monkeypatch: pytest.MonkeyPatch,
    when: Literal["before", "after"],
    transaction: int,
) -> None:
    """Whichever of its transactions is lost, everything ends in one generation of keys and nothing else is left."""
    monkeypatch.setattr(redis_checkpoint, "ROWS_A_TRANSACTION", 2)
    redis_store.client.hset("rp:{0}:head", "stamp", "an older one")
    fold.step({b"d": b"4"})
    proxy.cut(when, skip=transaction)
    fold.save()
    assert proxy.cuts == 1
    assert len(rooms_keys(redis_store)) == 1
    assert claimed(redis_store) == fold.point


def test_a_crash_while_everything_is_written_anew_leaves_the_older_point(
    redis_store: InRedis, proxy: Proxy, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its last transaction the older point stays whole, and a claim removes the half-written rest."""
    monkeypatch.setattr(redis_checkpoint, "ROWS_A_TRANSACTION", 2)
    before = fold.point
    redis_store.client.hset("rp:{0}:head", "stamp", "an older one")
    fold.step({b"d": b"4"})
    _before_transaction(monkeypatch, 3, _die)
    with pytest.raises(KeyboardInterrupt):
        fold.save()
    monkeypatch.undo()
    assert len(rooms_keys(redis_store)) == 2
    assert claimed(redis_store) == before
    assert len(rooms_keys(redis_store)) == 1


def test_a_crash_of_the_server_that_lost_the_last_writes(redis_store: InRedis) -> None:
    """With the append-only file cut in the middle of a transaction, owner and server agree again after one save."""
    owner = Fold(redis_store.owner())
    owner.claim()
    owner.step({b"room %d" % number: b"x" * 100 for number in range(300)})
    owner.save()
    kept = written_bytes(redis_store.server)
    owner.step({b"room %d" % number: b"y" * 100 for number in range(0, 300, 2)}, removed=[b"room 1"])
    owner.save()
    crash_and_lose(redis_store.server, kept + (written_bytes(redis_store.server) - kept) // 2)
    owner.step({b"room 3": b"z"})
    owner.save()
    assert owner.asked_for_everything == 2
    assert claimed(redis_store) == owner.point


def test_a_crash_of_both_gives_the_older_point(redis_store: InRedis) -> None:
    """Where the owner is gone as well, the next one gets the point before, whole."""
    owner = Fold(redis_store.owner())
    owner.claim()
    owner.step({b"a": b"1", b"b": b"2"})
    owner.save()
    before = owner.point
    owner.step({b"a": b"11"}, removed=[b"b"])
    owner.save()
    crash_and_lose(redis_store.server, written_bytes(redis_store.server) - 1)
    assert claimed(redis_store) == before


def test_a_deleted_head_is_written_anew(redis_store: InRedis, fold: Fold) -> None:
    """Rooms without a head belong to no point: they are replaced, not added to."""
    redis_store.client.delete("rp:{0}:head")
    redis_store.client.hset("rp:{0}:rooms:a", "stranger", "row")
    redis_store.client.hset("rp:{0}:rooms:b", "stranger", "row")
    fold.step({b"d": b"4"})
    fold.save()
    assert len(rooms_keys(redis_store)) == 1
    assert claimed(redis_store) == fold.point


def test_a_deleted_fence_is_set_again(redis_store: InRedis, fold: Fold) -> None:
    """A fence that is gone while the point is still there is a loss like any other, and the owner goes on."""
    redis_store.client.delete("rp:{0}:fence")
    fold.step({b"d": b"4"})
    fold.save()
    assert fold.asked_for_everything == 0
    assert redis_store.client.exists("rp:{0}:fence")
    assert claimed(redis_store) == fold.point


def test_prefixes_do_not_touch_each_other(redis_store: InRedis, fold: Fold) -> None:
    """Two deployments in one Redis, one prefix beginning like the other."""
    other = Fold(redis_store.owner(prefix="rp2"))
    assert other.claim() is None
    other.step({b"a": b"other"})
    other.save()
    fold.step({b"a": b"11"})
    fold.save()
    assert point(redis_store.owner(prefix="rp2").claim(0)) == other.point
    assert claimed(redis_store) == fold.point


def test_every_key_carries_its_partition_as_hash_tag(redis_store: InRedis, fold: Fold) -> None:
    """A Redis Cluster keeps what one transaction touches on one node, and nothing expires."""
    keys = redis_store.client.keys("*")
    assert sorted(keys) == [b"rp:{0}:fence", b"rp:{0}:head", b"rp:{0}:rooms:a"]
    assert [redis_store.client.ttl(key) for key in keys] == [-1, -1, -1]


def test_a_frozen_server_is_away_in_bounded_time(redis_store: InRedis, fold: Fold) -> None:
    """A server that accepts connections and says nothing costs a few seconds, not forever."""
    redis_store.server.freeze()
    begun = time.monotonic()
    fold.step({b"d": b"4"})
    with pytest.raises(CheckpointAway, match="within 1 s"):
        fold.save()
    assert time.monotonic() - begun < 8
    redis_store.server.thaw()
    fold.save()
    assert claimed(redis_store) == fold.point


def test_a_server_without_memory_is_away_until_it_has_some(redis_store: InRedis, fold: Fold) -> None:
    """Out of memory is said in one line, and the next save catches up."""
    redis_store.client.config_set("maxmemory", 1)
    fold.step({b"d": b"4"})
    with pytest.raises(CheckpointAway, match="maxmemory") as caught:
        fold.save()
    assert "\n" not in str(caught.value)
    redis_store.client.config_set("maxmemory", 0)
    fold.save()
    assert claimed(redis_store) == fold.point


def test_memory_that_ends_while_everything_is_written_anew_is_given_back(
    redis_store: InRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half-written generation does not stay: the partitions that still fit need the room."""
    monkeypatch.setattr(redis_checkpoint, "ROWS_A_TRANSACTION", 100)
    owner = Fold(redis_store.owner())
    owner.claim()
    owner.step({b"room %d" % number: b"x" * 10_000 for number in range(1_000)})
    owner.save()
    before = owner.point
    redis_store.client.hset("rp:{0}:head", "stamp", "an older one")
    redis_store.client.config_set("maxmemory", redis_store.client.info("memory")["used_memory"] + 4_000_000)
    owner.step({b"room 0": b"y"})
    with pytest.raises(CheckpointAway, match="maxmemory"):
        owner.save()
    assert len(rooms_keys(redis_store)) == 1
    assert claimed(redis_store) == before


def test_a_replica_is_away_until_it_leads(redis_store: InRedis, fold: Fold) -> None:
    """A server that only reads is told apart from one that refuses for good."""
    redis_store.client.replicaof("127.0.0.1", free_port())
    fold.step({b"d": b"4"})
    with pytest.raises(CheckpointAway):
        fold.save()
    redis_store.client.replicaof("NO", "ONE")
    fold.save()
    assert claimed(redis_store) == fold.point


def test_a_server_that_may_evict_is_refused(redis_store: InRedis) -> None:
    """The check names the setting and how to put it right."""
    owner = redis_store.owner()
    owner.check()
    redis_store.client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(CheckpointError, match="CONFIG SET maxmemory-policy noeviction") as caught:
        owner.check()
    assert not isinstance(caught.value, CheckpointAway)


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    """The check gives up in the time it was given and says where it looked."""
    owner = RedisCheckpoint(f"redis://user:secret@127.0.0.1:{free_port()}/0")
    begun = time.monotonic()
    with pytest.raises(CheckpointAway, match=r"cannot reach Redis at redis://user:\*\*\*@127") as caught:
        owner.check(within_s=0.5)
    assert time.monotonic() - begun < 5
    assert "secret" not in str(caught.value)


def test_a_wrong_password_is_refused_at_once(redis_store: InRedis) -> None:
    """Waiting would not help, so it is not taken for an absence."""
    redis_store.client.config_set("requirepass", "right")
    owner = RedisCheckpoint(f"redis://:wrong@{redis_store.server.address}/0")
    with pytest.raises(CheckpointError) as caught:
        owner.check()
    assert not isinstance(caught.value, CheckpointAway)


def test_a_url_that_is_none_is_wrong_usage() -> None:
    """The message names the flag."""
    with pytest.raises(UsageError, match="--redis-url"):
        RedisCheckpoint("127.0.0.1:6379")


def test_keys_of_another_kind_are_refused(redis_store: InRedis) -> None:
    """A key of ours that holds something else is nothing to wait for."""
    redis_store.client.set("rp:{0}:head", "a text")
    with pytest.raises(CheckpointError) as caught:
        redis_store.owner().claim(0)
    assert not isinstance(caught.value, CheckpointAway)


def test_a_claim_during_a_claim_is_noticed(redis_store: InRedis, fold: Fold, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows read while another owner saved would be of two points; the slower owner is told that it lost."""
    other = Fold(redis_store.owner())
    load = redis_checkpoint._load

    def interrupted(session: RedisSession, key: str) -> list[tuple[bytes, bytes]]:
        monkeypatch.undo()
        other.claim()
        other.step({b"a": b"11"})
        other.save()
        return load(session, key)

    monkeypatch.setattr(redis_checkpoint, "_load", interrupted)
    with pytest.raises(FencedError):
        redis_store.owner().claim(0)
    assert claimed(redis_store) == other.point


def test_a_claim_in_the_middle_of_ones_own_save_fences_it(
    redis_store: InRedis, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A save that another thread still had in hand when its partition was claimed anew is refused as a stranger's."""
    again = Fold(fold.checkpoint)
    before = fold.point
    fold.step({b"a": b"late"})

    def claim_anew() -> None:
        monkeypatch.undo()
        again.claim()

    _before_transaction(monkeypatch, 1, claim_anew)
    with pytest.raises(FencedError):
        fold.save()
    assert again.point == before
    again.step({b"d": b"4"})
    again.save()
    assert claimed(redis_store) == again.point


def _before_transaction(monkeypatch: pytest.MonkeyPatch, number: int, action: Callable[[], object]) -> None:
    """Do something right before the transaction of this number from now on, when its keys are watched already."""
    count = iter(range(1, 1000))
    transaction = RedisSession.transaction

    def interrupted(self: RedisSession, commands: Iterable[Command]) -> bool:
        if next(count) == number:
            action()
        return transaction(self, commands)

    monkeypatch.setattr(RedisSession, "transaction", interrupted)


def _die() -> None:
    """End the process, as far as the checkpoint can tell."""
    raise KeyboardInterrupt

"""What only a cluster can do to a checkpoint: spread it, move a slot, lose a master."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis.crc import key_slot

from roompulse.errors import CheckpointAway, CheckpointError, UsageError
from scorer.adapters.redis_checkpoint import RedisCheckpoint
from scorer.adapters.redis_heads import find_heads
from scorer.adapters.redis_place import RedisPlace
from scorer.adapters.redis_rooms import find_room
from scorer.ports import Snapshot
from tests.contracts.stores import InCluster
from tests.services.redis_cluster import Cluster, ClusterNode

PARTITIONS = 12


@pytest.fixture
def in_cluster(redis_cluster: Cluster) -> Iterator[InCluster]:
    """The cluster, empty."""
    store = InCluster(redis_cluster)
    yield store
    store.close()


def snapshot(applied: int) -> Snapshot:
    """A point with one room, whose row says how far it is."""
    rows = [(b"room", b"%d" % applied)]
    return Snapshot(applied, b"head", rows, [], lambda: rows)


def slot_of(partition: int) -> int:
    """Where a partition's keys lie."""
    return int(key_slot(b"rp:{%d}:fence" % partition))


def saved(owner: RedisCheckpoint, partition: int) -> tuple[int, list[tuple[bytes, bytes]]]:
    """What a new owner finds."""
    found = owner.claim(partition)
    assert found is not None
    return found.applied, list(found.rows)


def test_partitions_are_spread_over_the_nodes_and_found_again(in_cluster: InCluster) -> None:
    """Each partition is whole on one node; who only reads finds all of them."""
    owner = in_cluster.owner()
    owner.check()
    for partition in range(PARTITIONS):
        assert owner.claim(partition) is None
        owner.save(partition, snapshot(partition + 1))
    for node in in_cluster.cluster.masters:
        held = {key.partition(b"}")[0] for key in node.client.keys("*")}
        assert 0 < len(held) < PARTITIONS
        assert all(in_cluster.cluster.node_of(key_slot(key + b"}:fence")) is node for key in held)
    place = RedisPlace(in_cluster.cluster.url, cluster=True)
    heads = find_heads(place, "rp", timeout_s=5)
    assert {partition: head.applied for partition, head in heads.items()} == {n: n + 1 for n in range(PARTITIONS)}
    room = find_room(place, "rp", "room", timeout_s=5)
    assert room is not None
    assert room.row == b"%d" % (room.partition + 1)


def test_a_slot_that_moves_is_away_until_it_has_moved_and_nothing_is_lost(in_cluster: InCluster) -> None:
    """In the middle of the move (ASK) a save says so and changes nothing; after it (MOVED) the next gets through."""
    owner, cluster, slot = in_cluster.owner(), in_cluster.cluster, slot_of(0)
    owner.claim(0)
    owner.save(0, snapshot(1))
    source = cluster.node_of(slot)
    target = next(node for node in cluster.masters if node is not source)
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    keys = source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100)
    move(source, target, [b"rp:{0}:fence"])
    with pytest.raises(CheckpointAway, match=r"does not hold|cannot be written just now"):
        owner.save(0, snapshot(2))
    move(source, target, [key for key in keys if key != b"rp:{0}:fence"])
    for node in cluster.masters:
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)
    owner.save(0, snapshot(2))
    assert saved(in_cluster.owner(), 0) == (2, [(b"room", b"2")])
    assert cluster.node_of(slot) is target
    for node in (source, target, *cluster.masters):  # back, for the tests that come
        node.ask("CLUSTER", "SETSLOT", slot, "STABLE")


def move(source: ClusterNode, target: ClusterNode, keys: list[bytes]) -> None:
    """Move keys to another node, as resharding does."""
    source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)


def test_a_master_that_dies_is_away_until_its_replica_has_taken_over(in_cluster: InCluster) -> None:
    """A save says so in seconds; the same owner goes on with the replica, and other partitions never noticed."""
    cluster, owner = in_cluster.cluster, in_cluster.owner()
    dying = cluster.masters[0]
    mine = next(number for number in range(100) if cluster.node_of(slot_of(number)) is dying)
    other = next(number for number in range(100) if cluster.node_of(slot_of(number)) is not dying)
    for partition in (mine, other):
        owner.claim(partition)
        owner.save(partition, snapshot(1))
    dying.kill()
    try:
        with pytest.raises(CheckpointAway):
            owner.save(mine, snapshot(2))
        deadline = time.monotonic() + 90
        while True:
            try:
                owner.save(mine, snapshot(2))
                break
            except CheckpointAway:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        owner.save(other, snapshot(2))
        assert cluster.node_of(slot_of(mine)) is cluster.replica
        assert saved(in_cluster.owner(), mine) == (2, [(b"room", b"2")])
        assert saved(in_cluster.owner(), other) == (2, [(b"room", b"2")])
    finally:
        dying.start()
        cluster.masters[0], cluster.replica = cluster.replica, dying
        cluster.wait_until_ok()


def test_a_cluster_without_the_switch_is_named(in_cluster: InCluster) -> None:
    """The node's refusal is turned into what to do; and another database than 0 is wrong usage."""
    plain = RedisCheckpoint(in_cluster.cluster.url)
    elsewhere = next(n for n in range(100) if in_cluster.cluster.node_of(slot_of(n)) is in_cluster.cluster.masters[0])
    with pytest.raises(CheckpointError, match="is a node of a cluster: start with --redis-cluster"):
        plain.claim(elsewhere)
    plain.close()
    with pytest.raises(UsageError, match="no other database than 0"):
        RedisCheckpoint(RedisPlace("redis://127.0.0.1/3", cluster=True))


def test_a_cluster_that_may_evict_is_refused_whichever_node_it_is(in_cluster: InCluster) -> None:
    """Each master's policy counts, not that of the node that the URL names."""
    node = in_cluster.cluster.masters[1]
    node.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(CheckpointError, match="may evict rooms"):
            in_cluster.owner().check()
    finally:
        node.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")

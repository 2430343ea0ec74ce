"""What happens to Kafka, to Redis and to the network."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import redis

from tests.chaos.network import Network, Trap, is_exec, is_kafka
from tests.chaos.pace import SLICE_S, STRIKE_S, Act

if TYPE_CHECKING:
    from tests.chaos.scene import Scene


def kill_broker(scene: Scene, chance: random.Random) -> bool:
    """SIGKILL Kafka, and start it again at once or some seconds later."""
    with scene.kafka.lock:
        scene.kafka.kill()
        time.sleep(chance.choice((0, 2, 7)))
        scene.kafka.start()
    return True


def lose_a_second(scene: Scene, chance: random.Random) -> bool:
    """SIGKILL Redis; its last second of writes is gone. The scorer lives on."""
    time.sleep(chance.uniform(0, 1))
    return scene.redis.lose_a_second() > 0


def lose_a_second_and_kill(scene: Scene, chance: random.Random) -> bool:
    """The same, and the scorer is killed up to seconds later."""
    lost = lose_a_second(scene, chance)
    time.sleep(chance.choice((0, 0.1, 0.5, 2, 4)))
    scene.one_of(chance).kill()
    return lost


def flush(scene: Scene, chance: random.Random) -> bool:
    """FLUSHALL. The scorer lives on."""
    with redis.Redis(port=scene.redis.port) as client:
        client.flushall()
    return True


def flush_and_kill(scene: Scene, chance: random.Random) -> bool:
    """FLUSHALL, and the scorer is killed: all is rebuilt from the topic."""
    flush(scene, chance)
    time.sleep(chance.choice((0, 0, 0.2, 2)))
    scene.one_of(chance).kill()
    return True


def away(shortest_s: float, longest_s: float) -> Act:
    """Redis is gone, or hangs, for some time."""

    def act(scene: Scene, chance: random.Random) -> bool:
        seconds, hangs = chance.uniform(shortest_s, longest_s), chance.random() < 0.3
        with scene.redis.lock:
            (scene.redis.freeze if hangs else scene.redis.kill)()
            time.sleep(seconds)
            (scene.redis.thaw if hangs else scene.redis.start)()
        return True

    return act


def full_disk(scene: Scene, chance: random.Random) -> bool:
    """Redis cannot write its append-only file (MISCONF)."""
    with scene.redis.lock:
        scene.redis.fill_disk()
        time.sleep(chance.uniform(2, 7))
        scene.redis.free_disk()
    return True


def full_memory(scene: Scene, chance: random.Random) -> bool:
    """Redis refuses what would take memory (OOM)."""
    with scene.redis.lock, redis.Redis(port=scene.redis.port) as client:
        client.config_set("maxmemory", 1)
        time.sleep(chance.uniform(2, 7))
        client.config_set("maxmemory", 0)
    return True


def slow(way: str) -> Act:
    """A network that delays everything."""

    def act(scene: Scene, chance: random.Random) -> bool:
        network = _network(scene, way)
        network.delay_s = chance.uniform(0.01, 0.15)
        time.sleep(chance.uniform(3, 6))
        network.calm()
        return True

    return act


def stalled(way: str) -> Act:
    """A network that drops everything for a while; then it goes on, or the connections are lost."""

    def act(scene: Scene, chance: random.Random) -> bool:
        network = _network(scene, way)
        network.stall()
        time.sleep(chance.choice((1, 3, 8, 14)))
        if chance.random() < 0.5:
            network.cut()
        network.calm()
        return True

    return act


def cut(way: str) -> Act:
    """A network that loses all connections, some times in a row, or lets nobody connect for a while."""

    def act(scene: Scene, chance: random.Random) -> bool:
        network = _network(scene, way)
        for _ in range(chance.randint(1, 5)):
            network.cut()
            time.sleep(chance.uniform(0.05, 0.8))
        if chance.random() < 0.5:
            network.refuse()
            time.sleep(chance.uniform(1, 6))
            network.calm()
        return True

    return act


def unknown(way: str, request: str, hangs_s: tuple[float, ...]) -> Act:
    """A request whose answer is lost, or which never arrives: whoever sent it cannot tell."""

    def act(scene: Scene, chance: random.Random) -> bool:
        scene.until_live("one", "two")
        matches = is_exec if way == "redis" else is_kafka(request)
        network = _network(scene, way)
        trap = Trap(matches, chance.choice(("answer", "answer", "request")), chance.choice(hangs_s))
        time.sleep(chance.uniform(0, 0.3))
        network.trap = trap
        deadline = time.monotonic() + STRIKE_S
        while not trap.struck.wait(SLICE_S) and time.monotonic() < deadline:
            scene.feed.one_more()
        network.trap = None
        time.sleep(trap.hang_s if trap.struck.is_set() else 0)
        return trap.struck.is_set()

    return act


def _network(scene: Scene, way: str) -> Network:
    return scene.redis.network if way == "redis" else scene.kafka.network

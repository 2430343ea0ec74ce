"""The faults. Each acts on a scene, and returns when it is over and everything that it took is back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from tests.chaos.network import Network, Trap, is_exec, is_kafka
from tests.chaos.tripwires import POINTS, WITHIN_SEND, arm, disarm, has_struck

if TYPE_CHECKING:
    from tests.chaos.member import Member
    from tests.chaos.scene import Scene

STRIKE_S = 40.0
SLICE_S = 2.0
"""What has not struck for so long gets another slice."""
TAKE_OVER_S = 45.0
MINUTE_S = 60.0
TAKING = ("before claim", "after claim", "before start", "after start")
"""Steps that pass only when a partition is taken over."""

Act = Callable[["Scene", random.Random], bool]
"""Returns whether it struck: a step may never pass, a request never come."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`rough` names the server whose network it needs."""

    act: Act
    rough: str = ""


def kill(scene: Scene, chance: random.Random) -> bool:
    """SIGKILL the scorer at any moment."""
    time.sleep(chance.uniform(0, 0.5))
    scene.one_of(chance).kill()
    return True


def kill_at(point: str) -> Act:
    """SIGKILL it at a named step."""

    def act(scene: Scene, chance: random.Random) -> bool:
        member = scene.one_of(chance)
        struck = _strikes(scene, member, point, chance, "kill")
        if not struck:
            member.kill()
        return struck

    return act


def zombie(point: str = "") -> Act:
    """SIGSTOP it, at a named step or anywhere, until another has its partitions; then it wakes."""

    def act(scene: Scene, chance: random.Random) -> bool:
        member = scene.members["one"]
        if chance.random() < 0.5:
            scene.join("two")
        struck = not point or _strikes(scene, member, point, chance, "stop")
        member.freeze()
        others = [name for name in ("two", "three") if name in scene.members]
        since = {scene.members[name].name: len(scene.members[name].log) for name in others}
        scene.join("two")
        scene.until_said("live from offset", "two", "three", since=since, within_s=TAKE_OVER_S)
        scene.feed.one_more()
        time.sleep(chance.uniform(0, 1.5))
        member.thaw()
        return struck

    return act


def namesake(scene: Scene, chance: random.Random) -> bool:
    """SIGSTOP it, start a second process of the same name, and wake it."""
    member = scene.members["one"]
    if chance.random() < 0.7:
        _strikes(scene, member, chance.choice(("after send_positions", "before commit", "after poll")), chance, "stop")
    member.freeze()
    member.superseded = True
    member.dismiss()
    scene.members["older"] = scene.members.pop("one")
    scene.join("one again", "one")
    scene.members["one"] = scene.members.pop("one again")
    scene.until_live("one", within_s=TAKE_OVER_S)
    scene.feed.one_more()
    member.thaw()
    return True


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


def join_and_leave(scene: Scene, chance: random.Random) -> bool:
    """A second scorer, perhaps a third, come and go under load, kindly or not."""
    names = ["two", "three"][: chance.randint(1, 2)]
    names = [name for name in names if name not in scene.members] or ["three"]
    for name in names:
        scene.join(name)
        time.sleep(chance.uniform(0, 1))
    scene.until_said("ready in", names[-1])
    scene.feed.one_more()
    time.sleep(chance.uniform(0, 5))
    for name in names:
        scene.leave(name, kindly=chance.random() < 0.6)
        scene.feed.one_more()
        time.sleep(chance.uniform(0, 1))
    return True


def _strikes(scene: Scene, member: Member, point: str, chance: random.Random, action: str) -> bool:
    """Arm a step and wait until it has stopped the process, with input to make it pass; False where it never did."""
    most = 30 if point == WITHIN_SEND else 3
    arm(member.folder, point, chance.randint(1, most), action)
    if point in TAKING:
        member.kill()
    deadline = time.monotonic() + STRIKE_S
    asked = time.monotonic()
    while time.monotonic() < deadline:
        if has_struck(member.folder):
            return True
        if time.monotonic() - asked > SLICE_S:
            asked = time.monotonic()
            scene.feed.one_more()
        time.sleep(0.02)
    return not disarm(member.folder)


def _network(scene: Scene, way: str) -> Network:
    return scene.redis.network if way == "redis" else scene.kafka.network


_STOPS = (
    "after poll",
    WITHIN_SEND,
    "after send_positions",
    "before commit",
    "after commit",
    "before save",
    "after save",
)

FAULTS: dict[str, Fault] = {
    "kill": Fault(kill),
    **{f"kill {point}": Fault(kill_at(point)) for point in POINTS},
    "zombie": Fault(zombie()),
    **{f"zombie {point}": Fault(zombie(point)) for point in _STOPS},
    "namesake": Fault(namesake),
    "broker killed": Fault(kill_broker),
    "join and leave": Fault(join_and_leave),
    "redis loses a second": Fault(lose_a_second),
    "redis loses a second, kill": Fault(lose_a_second_and_kill),
    "flushall": Fault(flush),
    "flushall, kill": Fault(flush_and_kill),
    "redis away": Fault(away(5, 20)),
    "redis away a minute": Fault(away(MINUTE_S, MINUTE_S)),
    "redis disk full": Fault(full_disk),
    "redis memory full": Fault(full_memory),
    "redis slow": Fault(slow("redis"), "redis"),
    "redis stalled": Fault(stalled("redis"), "redis"),
    "redis cut": Fault(cut("redis"), "redis"),
    "exec unknown": Fault(unknown("redis", "EXEC", (0.2, 4)), "redis"),
    "kafka slow": Fault(slow("kafka"), "kafka"),
    "kafka stalled": Fault(stalled("kafka"), "kafka"),
    "kafka cut": Fault(cut("kafka"), "kafka"),
    "commit unknown": Fault(unknown("kafka", "EndTxn", (0.2, 0.2, 11, 22)), "kafka"),
    "positions unknown": Fault(unknown("kafka", "TxnOffsetCommit", (0.2, 11)), "kafka"),
    "records unknown": Fault(unknown("kafka", "Produce", (0.2, 11)), "kafka"),
}
SLOW = {"redis away a minute"}
"""Never the second fault of a trial: it has its share."""

"""What happens to scorers: killed, stopped and woken, doubled, joined and left; at any moment or at a named step."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tests.chaos.pace import SLICE_S, STRIKE_S, Act
from tests.chaos.tripwires import WITHIN_SEND, arm, disarm, has_struck

if TYPE_CHECKING:
    from tests.chaos.member import Member
    from tests.chaos.scene import Scene

TAKE_OVER_S = 45.0
TAKING = ("before claim", "after claim", "before start", "after start")
"""Steps that pass only when a partition is taken over."""


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
    scene.until_live("one", "two")  # where the input did not wait for it
    with member.arming:
        return _struck_within(scene, member, point, chance, action)


def _struck_within(scene: Scene, member: Member, point: str, chance: random.Random, action: str) -> bool:
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

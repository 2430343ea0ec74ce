"""What holds of alerts with the network that ships, on rooms that jump, stop, are corrected and are talked about."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from scorer.ports import Output
from tests.properties.test_shipped_model import about_rooms, context, fold
from tests.scorer.fakes import TOPICS, Event, Lab, clock, event, feedback, snooze

ROOMS, MINUTES = 12, 90
LARGE = 70_000.0
"""With this size no minute comes below 20,000: counting noise and whole numbers do not matter."""
_JUMPS = (0.3, 0.5, 1.0, 2.0, 3.0, 5.0)


def restless(seed: int, *, rooms: int = ROOMS, size: float = 2.0, times: int = 1) -> list[Event]:
    """Rooms of `size` and up, every count multiplied by `times`; the same first rooms, however many there are."""
    found = [
        (minute, room, record)
        for room in range(rooms)
        for minute, record in _room(f"room {room}", Random(seed * 1000 + room), size * 3 ** (room % 6), times)
    ]
    return [record for _, _, record in sorted(found, key=lambda item: item[:2])] + [clock(MINUTES + 20)]


def _room(name: str, chance: Random, size: float, times: int) -> list[tuple[int, Event]]:
    found = []
    level, noise, minute = 1.0, chance.choice((0.02, 0.05, 0.1, 0.2)), 0
    while minute < MINUTES:
        turn = chance.random()
        if turn < 0.02:
            minute += chance.choice((2, 3, 11))
        elif turn < 0.05:
            level = chance.choice(_JUMPS)
        elif turn > 0.9:
            level = 1.0
        value = times * int(size * level * chance.uniform(1 - noise, 1 + noise))
        found.append((minute, event(name, minute, None if turn > 0.985 else value, natural={"搜索": value / 4})))
        if chance.random() < 0.1:
            back = max(0, minute - chance.choice((0, 0, 1, 2, 9)))
            found.append((minute, event(name, back, times * int(size * chance.choice((1.0, *_JUMPS))))))
        if chance.random() < 0.01:
            found.append((minute, chance.choice((feedback(name, "noise"), feedback(name, "useful")))))
        if chance.random() < 0.005:
            found.append((minute, snooze(name, minute + 5)))
        minute += 1
    return found


def alerts_of(outputs: list[Output]) -> list[dict[str, Any]]:
    """The alert records, in order."""
    return [json.loads(output.value or b"") for output in outputs if output.topic == TOPICS.alerts]


def cut(events: list[Event], chance: Random) -> Lab:
    """Fold in batches of random sizes."""
    lab, start = Lab(context()), 0
    while start < len(events):
        size = chance.choice((1, 2, 13, 100, 700))
        lab.send(events[start : start + size])
        start += size
    return lab


def test_every_opening_has_one_end_and_an_id_of_its_own() -> None:
    """One open alert per room and kind; ids never come again; openings are followed by one resolution or retraction."""
    seen: Counter[str] = Counter()
    for seed in range(6):
        opened: dict[tuple[str, str], str] = {}
        ids: set[str] = set()
        for alert in alerts_of(fold(restless(seed), 5000).all):
            place, known = (alert["room_id"], alert["kind"]), alert["alert_id"]
            seen[alert["event"]] += 1
            if alert["event"] == "open":
                assert place not in opened
                assert known not in ids
                ids.add(known)
                opened[place] = known
            else:
                assert opened[place] == known
                if alert["event"] != "update":
                    del opened[place]
        assert opened == {}
    assert seen["open"] == seen["resolve"] + seen["retract"] > 50
    assert seen["retract"] > 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_neither_batches_nor_other_rooms_change_an_alert(seed: int) -> None:
    """Batches of random sizes give the same bytes; four rooms alone those that they give among twelve."""
    whole = fold(restless(seed), 5000).all
    assert cut(restless(seed), Random(seed)).all == whole
    assert about_rooms(fold(restless(seed, rooms=4), 5000).all, 4) == about_rooms(whole, 4)


@pytest.mark.parametrize("seed", range(8))
def test_the_same_rooms_eight_times_as_large_have_the_same_alerts(seed: int) -> None:
    """Kind, opening, end and its reason of rooms of 20,000 a minute and more.

    Updates are left out: they come when a deviation passes a step, and forecasts carry four digits.
    """
    one, eight = (
        [
            (alert["room_id"], alert["kind"], alert["opened"], alert["event"], alert["minute"], alert.get("reason"))
            for alert in alerts_of(fold(restless(seed, size=LARGE, times=times), 5000).all)
            if alert["event"] != "update"
        ]
        for times in (1, 8)
    )
    assert one == eight
    assert len(one) > 8

"""The same with the network that ships: replay equals live, whatever the batches and the other rooms."""

from __future__ import annotations

from functools import cache
from random import Random

from roompulse.bundle import default_bundle, load_bundle
from roompulse.channels import DEFAULT_CHANNELS
from roompulse.overrides import Overrides
from roompulse.rooms import room_dtype
from roompulse.rules import rules_from
from scorer.adapters.networks import open_forecaster
from scorer.pipeline.partition import Context
from scorer.pipeline.write import Writer
from scorer.ports import Output
from tests.scorer.fakes import TOPICS, Event, Lab, clock, event, state_of

ROOMS, MINUTES = 23, 45


@cache
def context() -> Context:
    """The shipped bundle, opened once."""
    bundle = load_bundle(default_bundle())
    writer = Writer(TOPICS, bundle.label, DEFAULT_CHANNELS, 1_000_000)
    dtype = room_dtype(bundle.units, bundle.specification.window_minutes)
    rules = rules_from(dict(bundle.rules))
    return Context(bundle.hash, open_forecaster(bundle), rules, DEFAULT_CHANNELS, writer, dtype, Overrides())


def records(rooms: int = ROOMS) -> list[Event]:
    """Rooms of all sizes with gaps, bursts and channels; the same for the first rooms, however many there are."""
    found = []
    for room in range(rooms):
        chance = Random(room)
        size = 3 ** (room % 8)
        for minute in range(MINUTES):
            if chance.random() < 0.95:
                value = int(size * chance.uniform(0.7, 1.3) * (4 if 30 <= minute < 34 and room % 3 == 0 else 1))
                natural = {"直播推荐": value // 2, "搜索": value // 3}
                found.append((minute, room, event(f"room {room}", minute, value, natural=natural)))
    return [record for _, _, record in sorted(found, key=lambda item: item[:2])] + [clock(MINUTES + 20)]


def fold(events: list[Event], size: int) -> Lab:
    """Fold in batches of this size."""
    lab = Lab(context())
    for start in range(0, len(events), size):
        lab.send(events[start : start + size])
    return lab


def about_rooms(outputs: list[Output], rooms: int) -> list[Output]:
    """Forecasts and alerts of the first rooms, by room."""
    keys = {f"room {room}".encode() for room in range(rooms)}
    return sorted((output for output in outputs if output.key in keys), key=lambda output: output.key or b"")


def test_batches_of_one_seven_and_five_thousand_give_the_same_bytes() -> None:
    """onnxruntime and numpy give each row the same bits, alone or among others."""
    events = records()
    whole = fold(events, 5000)
    assert sum(output.topic == TOPICS.alerts for output in whole.all) > 5
    for size in (1, 7):
        other = fold(events, size)
        assert other.all == whole.all
        assert state_of(other.fold) == state_of(whole.fold)


def test_other_rooms_change_no_byte_of_a_room() -> None:
    """Five rooms alone, and the same five among twenty-three."""
    alone, company = fold(records(5), 5000), fold(records(), 5000)
    assert about_rooms(alone.all, 5) == about_rooms(company.all, 5)

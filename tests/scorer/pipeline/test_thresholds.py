"""Thresholds of a category and of a room in the fold."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from roompulse.overrides import Override, Overrides
from roompulse.thresholds import category_code
from tests.scorer.fakes import RULES, Event, Lab, context_of, event, steady

WARM = range(40)
FOOD, TOYS = "food", "toys"


def warm(overrides: Overrides, **categories: str | None) -> Lab:
    """Rooms by name, steady for forty minutes, that say their category in the first one."""
    lab = Lab(context_of(overrides=overrides))
    lab.send([event(room, 0, 99, category=category) for room, category in categories.items()])
    lab.send([event(room, minute, 99) for minute in WARM[1:] for room in categories])
    return lab


def surges(*rooms: str, minute: int = 40) -> list[Event]:
    return [event(room, minute, 500) for room in rooms]


def test_a_category_has_its_own_thresholds() -> None:
    """Rooms of one category do not open where those of another, or of none, do."""
    lab = warm(Overrides(category={FOOD: Override(minimum_excess=1000)}), a=FOOD, b=TOYS, c=None)
    assert lab.send(surges("a", "b", "c")).told("room_id") == [("b",), ("c",)]


def test_a_room_has_its_own_thresholds() -> None:
    """Its own table wins over its category's."""
    given = Overrides(category={FOOD: Override(minimum_excess=1000)}, room={"b": Override(minimum_excess=5)})
    assert warm(given, a=FOOD, b=FOOD).send(surges("a", "b")).told("room_id") == [("b",)]


def test_the_newest_record_that_has_a_category_says_it() -> None:
    """From that minute on, from session to session; one that says none changes nothing, nor does a late one."""
    lab = warm(Overrides(category={FOOD: Override(kinds=())}), a=TOYS)
    lab.send(event("a", 40, 99, category=FOOD), event("a", 39, 98, category=TOYS), event("a", 41, 99))
    assert int(lab.room("a")["category"][0]) == category_code(FOOD)
    lab.send(event("a", 42, 99, ended=True), steady("a", range(43, 83)))
    assert lab.send(surges("a", minute=83)).alerts == []
    lab.send(steady("a", range(84, 120)))
    assert lab.send(event("a", 120, 2000, category=TOYS)).told("event") == [("open",)]


def test_kinds_that_are_off_do_not_open() -> None:
    """Each on its own: without surges the same heat becomes a hotspot, without hotspots it becomes nothing."""
    hot = [event("a", minute, 300) for minute in range(40, 50)]
    for kinds, found in (
        (("surge", "slump", "hotspot"), ["surge"]),
        (("slump", "hotspot"), ["hotspot"]),
        (("slump",), []),
    ):
        lab = warm(Overrides(room={"a": Override(kinds=kinds)}), a=None)  # type: ignore[arg-type]
        assert [alert["kind"] for alert in lab.send(hot).alerts if alert["event"] == "open"] == found, kinds


def test_overrides_that_say_what_the_rules_say_change_no_byte() -> None:
    """A row for each room instead of one for all: the same numbers, the same records."""
    same = Override(
        surge_budget=RULES.surge_budget, slump_budget=RULES.slump_budget,
        minimum_excess=RULES.minimum_excess, minimum_surge_percent=RULES.minimum_surge_percent,
        minimum_slump_percent=RULES.minimum_slump_percent, minimum_slump_expected=RULES.minimum_slump_expected,
        hotspot_percent=RULES.hotspot_percent, hotspot_minutes=RULES.hotspot_minutes, hotspot_noise=RULES.hotspot_noise,
        kinds=("surge", "slump", "hotspot"),
    )  # fmt: skip
    chance = np.random.default_rng(7)
    values = chance.choice([99, 100, 130, 400, 5], size=(120, 3)).tolist()
    records = [event(room, m, row[n]) for m, row in enumerate(values) for n, room in enumerate("abc")]
    labs = [Lab(context_of(overrides=given)) for given in (None, Overrides(same, {FOOD: same}, {"a": same, "c": same}))]
    for lab in labs:
        lab.send(records)
    assert labs[0].all == labs[1].all
    assert any(output.topic.endswith("alerts") for output in labs[0].all)


def test_settings_for_all_rooms_are_the_rules() -> None:
    """`[rules]` in a settings file does what the same rules in the bundle do."""
    by_file = Lab(context_of(overrides=Overrides(Override(minimum_surge_percent=500))))
    by_bundle = Lab(context_of(rules=replace(RULES, minimum_surge_percent=500.0)))
    for lab in (by_file, by_bundle):
        lab.send(steady("a", WARM), surges("a"))
    assert by_file.all == by_bundle.all

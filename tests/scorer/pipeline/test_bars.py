"""The bar of evidence: by budget, by size, by the room's own alerts, and who is let alone while it fills up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from roompulse.overrides import Override, Overrides
from roompulse.rules import BUDGET_KNOTS, Rules
from roompulse.thresholds import Thresholds
from scorer.pipeline.evidence import MINUTES_A_DAY, bar_of, fitting_bar, learned_bar
from tests.scorer.fakes import RULES, Lab, context_of, event, one_bar, steady, text

NOBODY = np.zeros(1, np.uint32)


def bar(budget: float, expected: float = 50.0, own: float = 0.0, age: float = 1e9) -> float:
    """The bar of a surge in a calm room."""
    rules = replace(Rules(), surge_budget=budget)
    thresholds = Thresholds(rules).of(NOBODY, None)
    at = [np.array([number]) for number in (expected, age, 1e9)]
    return float(bar_of(at[0], at[1], at[2], np.array([[own, 0.0]]), thresholds, rules)[0, 0])


def test_who_asks_for_more_alerts_gets_a_lower_bar() -> None:
    """At each calibrated budget its own bar, between two of them one between theirs."""
    for knot, calibrated in zip(BUDGET_KNOTS, Rules().surge_bars[2], strict=True):
        assert bar(knot) == pytest.approx(calibrated)
    assert bar(4.0) < bar(3.0) < bar(2.0)
    assert (bar(0.01), bar(100.0)) == (bar(BUDGET_KNOTS[0]), bar(BUDGET_KNOTS[-1]))


def test_a_bar_depends_on_the_size_that_is_expected() -> None:
    """Under 3, from 3, from 20 a minute; what is not expected counts as small."""
    tables = np.array([Rules().surge_bars])
    for expected, size in ((0.0, 0), (2.9, 0), (3.0, 1), (19.9, 1), (20.0, 2), (1e5, 2), (float("nan"), 0)):
        assert bar(1.0, expected) == pytest.approx(tables[0, size, BUDGET_KNOTS.index(1.0)])


def test_a_young_session_has_a_higher_bar() -> None:
    """By `warm_up` at its first minute, fading."""
    assert bar(1.0, age=0) == pytest.approx(bar(1.0) + Rules().warm_up)
    assert bar(1.0) < bar(1.0, age=10) < bar(1.0, age=5)


@given(st.floats(0.1, 20), st.integers(0, 5))
def test_the_budget_keeps_a_rooms_bar_level(budget: float, alerts: int) -> None:
    """As many alerts in a day as the budget says leave it where it was; more raise it, fewer let it fall."""
    rules = replace(Rules(), surge_budget=budget)
    thresholds = Thresholds(rules).of(NOBODY, None)
    own = np.zeros((1, 2))
    judged = np.ones(1, np.bool_)
    for minute in range(MINUTES_A_DAY):
        own = learned_bar(own, np.array([[minute < alerts, False]]), judged, thresholds, rules)
    wanted = np.clip(rules.own_step * (alerts - budget), rules.own_least, rules.own_most)
    if rules.own_step * max(alerts, budget) < -rules.own_least:  # never at a bound on the way
        assert own[0, 0] == pytest.approx(wanted, abs=1e-9)
    assert rules.own_least <= own[0, 0] <= rules.own_most


def test_a_minute_that_nothing_was_expected_of_moves_no_bar() -> None:
    """Neither up nor down."""
    thresholds = Thresholds(Rules()).of(NOBODY, None)
    own = np.array([[0.5, -0.5]])
    kept = learned_bar(own, np.array([[True, True]]), np.zeros(1, np.bool_), thresholds, Rules())
    assert kept.tolist() == own.tolist()


def test_an_alert_raises_its_rooms_bar_and_no_other() -> None:
    """By the step, and it lasts into the next session; the room beside keeps falling towards the budget."""
    rules = replace(RULES, own_step=0.5)
    lab = Lab(context_of(rules=rules))
    lab.send([event(room, minute, 99) for minute in range(40) for room in "ab"])
    before = {room: lab.room(room)["own_bar"][0].copy() for room in "ab"}
    assert lab.send(event("a", 40, 500), event("b", 40, 99)).told("event", "room_id") == [("open", "a")]
    fall = rules.own_step / MINUTES_A_DAY
    assert lab.room("a")["own_bar"][0] - before["a"] == pytest.approx(
        [0.5 - fall * rules.surge_budget, -fall * rules.slump_budget], rel=1e-4
    )
    assert lab.room("b")["own_bar"][0, 0] < before["b"][0] < 0
    raised = lab.room("a")["own_bar"][0, 0]
    lab.send(event("a", 41, 99, ended=True), event("a", 80, 99))
    assert lab.room("a")["own_bar"][0, 0] == pytest.approx(raised, abs=0.001)


def test_a_category_and_a_room_have_budgets_of_their_own() -> None:
    """A room of many alerts a day opens what others let pass."""
    table = tuple((20.0, 10.0, 8.0, 5.0, 2.0, 1.0) for _ in range(3))
    rules = replace(RULES, **(one_bar(0.0) | {"surge_bars": table}))
    own = Overrides(Override(surge_budget=0.25), {"food": Override(surge_budget=8)}, {"c": Override(surge_budget=8)})
    lab = Lab(context_of(rules=rules, overrides=own))
    category = {"a": "music", "b": "food", "c": "music"}
    lab.send([event(room, minute, 99, category=category[room]) for minute in range(40) for room in "abc"])
    surges = [event(room, 40, 220, category=category[room]) for room in "abc"]
    assert lab.send(surges).told("room_id", "kind", "opened") == [("b", "surge", text(40)), ("c", "surge", text(40))]


def test_a_room_that_fills_up_does_not_surge() -> None:
    """What was expected in a session's first minutes is held against nothing: a steady rise is no evidence there."""
    rules = replace(RULES, settled_minutes=8)
    rising = [event("a", minute, 30 * 1.1**minute) for minute in range(16)]
    assert Lab(context_of(rules=rules)).send(rising).alerts == []
    assert Lab().send(rising).alerts, "it is, where those forecasts count"


def test_heat_is_not_counted_while_a_room_fills_up() -> None:
    """A hotspot needs forecasts made after the session has settled."""
    rules = replace(RULES, hotspot_settled_minutes=40, **one_bar(50.0))
    warm = steady("a", range(20))
    hot = [event("a", 20 + minute, 99 * 1.02**minute) for minute in range(24)]
    assert Lab(context_of(rules=rules)).send(warm, hot).alerts == []
    early = Lab(context_of(rules=replace(RULES, **one_bar(50.0)))).send(warm, hot)
    assert early.told("event", "kind") == [("open", "hotspot")]


def test_bars_between_the_knots_are_straight_over_the_logarithm() -> None:
    """Half way between 1 and 4 by ratio is 2."""
    bars = np.array([[[9.0, 7.0, 5.0, 4.0, 2.0, 1.0]] * 3])
    between = fitting_bar(bars, np.array([np.sqrt(2.0)]), np.array([1]))
    assert between[0] == pytest.approx(4.5)

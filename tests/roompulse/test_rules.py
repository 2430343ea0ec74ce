"""Rules from a bundle: read strictly, with the field named."""

from __future__ import annotations

from typing import Any

import pytest

from roompulse.bundle import default_bundle, load_bundle
from roompulse.errors import BundleError
from roompulse.rules import Rules, rules_from

FLAT = [[5, 4, 3, 2.5, 2, 1]] * 3


def test_nothing_given_is_the_default() -> None:
    """A bundle without rules of its own."""
    assert rules_from({}) == Rules()


def test_the_shipped_bundles_rules_are_usable() -> None:
    """Knots in order, surprises that grow with them, bars above nothing."""
    rules = rules_from(dict(load_bundle(default_bundle()).rules))
    for knots in (rules.tail_z, rules.tail_up, rules.tail_down, Rules().tail_z, Rules().tail_up, Rules().tail_down):
        assert list(knots) == sorted(set(knots))
    for bars in (*rules.surge_bars, *rules.slump_bars):
        assert list(bars) == sorted(bars, reverse=True), "who wants more alerts gets lower bars"
        assert min(bars) > 0
    assert 0 < rules.drift < rules.surprise_limit


def test_given_rules_win() -> None:
    """Each field on its own."""
    rules = rules_from({"surge_bars": FLAT, "hotlist_size": 7})
    assert (rules.surge_bars[2], rules.hotlist_size, rules.drift) == ((5.0, 4.0, 3.0, 2.5, 2.0, 1.0), 7, Rules().drift)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"surge_bars": [[1, 2]]}, "surge_bars"),
        ({"surge_budget": 0}, "surge_budget and slump_budget: expected numbers above 0"),
        ({"drift": "1"}, "drift"),
        ({"back_minutes": 2.5}, "back_minutes"),
        ({"bars": [1, 2, 3]}, "bars"),
        ({"tail_z": [0.0, 1.0]}, "tail_z, tail_up and tail_down: expected the same number"),
        ({"tail_z": [0.0], "tail_up": [0.3], "tail_down": [0.3]}, "at least two"),
    ],
)
def test_a_wrong_rule_is_named(values: dict[str, Any], text: str) -> None:
    """A typing error in a threshold must not become a default."""
    with pytest.raises(BundleError, match=text):
        rules_from(values)

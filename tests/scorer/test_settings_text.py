"""Settings of alerts as text: what is shown can be applied again, and a change is told key by key."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roompulse.overrides import Override, Overrides, read_overrides
from roompulse.rooms import KINDS
from scorer.settings_text import Change, changes, tidied, toml_of

names = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["食品", 'a"b', "a\\b", "a.b", "\x1b[2J", "\x7f", "a\nb", "🎉"]
)
overrides = st.builds(
    Override,
    surge_budget=st.just(msgspec.UNSET) | st.floats(1e-9, 1440),
    minimum_excess=st.just(msgspec.UNSET) | st.floats(0, 1e12),
    hotspot_minutes=st.just(msgspec.UNSET) | st.integers(1, 1440),
    kinds=st.just(msgspec.UNSET) | st.lists(st.sampled_from(KINDS), unique=True).map(tuple),
)
tables = st.dictionaries(names, overrides, max_size=3)
files = st.builds(Overrides, overrides, tables, tables)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=files)
def test_what_is_shown_can_be_applied_again(said: Overrides, tmp_path: Path) -> None:
    """Whatever holds, the file that shows it says the same; names in it steer no terminal."""
    text = toml_of(said)
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    assert read_overrides(file) == said
    assert not changes(said, said)


@settings(deadline=None)
@given(before=files, after=files)
def test_no_change_is_told_exactly_where_nothing_changes(before: Overrides, after: Overrides) -> None:
    """Tables that say nothing count for nothing."""
    assert bool(changes(before, after)) == (tidied(before) != tidied(after))


def test_a_change_is_told_by_table_and_key() -> None:
    """All rooms first, then categories, then rooms by name; what is said anew, differently, no more."""
    before = Overrides(Override(minimum_excess=10.0), {"食品": Override(surge_budget=4.0)}, {"b": Override(kinds=())})
    after = Overrides(
        Override(minimum_excess=12.5),
        {"食品": Override(surge_budget=4.0, hotspot_minutes=20)},
        {"a": Override(kinds=("surge", "slump"))},
    )
    assert changes(before, after) == [
        Change("rules", "minimum_excess", "10", "12.5"),
        Change('category."食品"', "hotspot_minutes", None, "20"),
        Change('room."a"', "kinds", None, '["surge", "slump"]'),
        Change('room."b"', "kinds", "[]", None),
    ]


def test_the_text_is_plain() -> None:
    """Nothing where nothing is said; one line a key."""
    assert toml_of(Overrides()) == ""
    assert toml_of(Overrides(Override(surge_budget=0.5))) == "[rules]\nsurge_budget = 0.5\n"

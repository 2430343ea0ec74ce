"""Thresholds by room: the lookup for many rooms at once against a plain one for each."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import asdict

from roompulse.errors import UsageError
from roompulse.overrides import Override, Overrides
from roompulse.rooms import KINDS
from roompulse.rules import CategoryBars, Rules
from roompulse.thresholds import THRESHOLD_DTYPE, Thresholds, category_code, check_categories

HIGHER = CategoryBars(*(tuple((float(size),) * 6 for size in range(first, first + 3)) for first in (20, 30)))  # type: ignore[arg-type]
RULES = Rules(category_bars={"y": HIGHER, "w": HIGHER})
numbers = st.integers(0, 9).map(float)
overrides = st.builds(
    Override,
    surge_budget=st.just(UNSET) | numbers,
    minimum_excess=st.just(UNSET) | numbers,
    hotspot_minutes=st.just(UNSET) | st.integers(1, 9),
    kinds=st.just(UNSET) | st.lists(st.sampled_from(KINDS), unique=True).map(tuple),
)
files = st.builds(
    Overrides,
    overrides,
    st.dictionaries(st.sampled_from("xyz"), overrides),
    st.dictionaries(st.sampled_from("abc"), overrides),
)


def plain(found: Overrides, room: str, category: str | None) -> dict[str, Any]:
    """One room's thresholds, table by table."""
    values = {name: getattr(RULES, name) for name in Override.__struct_fields__ if name != "kinds"} | {"kinds": KINDS}
    for name in ("surge_bars", "slump_bars"):
        values[name] = getattr(RULES.category_bars.get(category or "", RULES), name)
    for own in (found.rules, found.category.get(category or "", Override()), found.room.get(room, Override())):
        values |= {name: value for name, value in asdict(own).items() if value is not UNSET}
    values["kinds"] = tuple(float(kind in values["kinds"]) for kind in KINDS)
    return values


def listed(value: Any) -> Any:
    """Arrays as tuples."""
    return tuple(map(listed, value)) if np.ndim(value) else value


@given(files, st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["x", "y", "z", "other", None])), max_size=9))
def test_the_lookup_is_the_tables_laid_over_each_other(found: Overrides, rooms: list[tuple[str, str | None]]) -> None:
    """Room over category over all rooms over the bundle's rules, each key on its own."""
    thresholds = Thresholds(RULES, found)
    codes = np.array([category_code(category) for _, category in rooms], np.uint32)
    rows = thresholds.of(codes, thresholds.places([room for room, _ in rooms]))
    assert (rows.dtype, rows.shape) == (THRESHOLD_DTYPE, (len(rooms),))
    for row, (room, category) in zip(rows, rooms, strict=True):
        expected = plain(found, room, category)
        got = {name: listed(row[name]) for name in expected}
        assert got == expected


def test_a_fleet_without_overrides_shares_one_row() -> None:
    """Nothing is copied for each room, and no room is looked up by name."""
    thresholds = Thresholds(Rules())
    rows = thresholds.of(np.zeros(1000, np.uint32), thresholds.places(["a"] * 1000))
    assert (rows.shape, rows.strides) == ((1000,), (0,))
    assert thresholds.places(["a"]) is None


def test_a_category_is_remembered_by_its_checksum() -> None:
    """0 stands for none, so no text has it."""
    assert (category_code(None), category_code("食品")) == (0, zlib.crc32("食品".encode()))
    assert category_code("") == 1, "the checksum of nothing is 0"


def test_categories_that_cannot_be_told_apart_are_refused() -> None:
    """Two texts with one checksum."""
    assert zlib.crc32(b"plumless") == zlib.crc32(b"buckeroo")
    with pytest.raises(UsageError, match="same CRC-32"):
        check_categories(["plumless", "buckeroo"])

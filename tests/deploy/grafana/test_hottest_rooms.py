"""The table of the hottest rooms as Grafana makes it from the answers to its queries."""

from __future__ import annotations

from typing import Any

from deploy.grafana.hottest import K, hottest_rooms
from roompulse.rules import Rules

Row = dict[str, Any]


def transformed(rows: list[Row]) -> list[Row]:
    """Apply the panel's transformations to merged rows, as far as they are used here."""
    for transformation in hottest_rooms().build().transformations or []:
        options: Any = transformation.options
        match transformation.id_val, options.get("mode"):
            case "merge", _:
                pass
            case "sortBy", _:
                (by,) = options["sort"]
                rows = sorted(rows, key=lambda row: row[by["field"]], reverse=by["desc"])
            case "calculateField", "index":
                rows = [row | {options["alias"]: at} for at, row in enumerate(rows)]
            case "calculateField", "binary":
                name, more = options["binary"]["left"]["matcher"]["options"], int(options["binary"]["right"]["fixed"])
                assert options["binary"]["operator"] == "+"
                rows = [row | {options["alias"]: row[name] + more} for row in rows]
            case "organize", _:
                names = sorted(options["indexByName"], key=options["indexByName"].__getitem__)
                assert all(row.keys() == {*names, *options["excludeByName"]} for row in rows)
                rows = [{options["renameByName"][name]: row[name] for name in names} for row in rows]
            case unknown:
                raise AssertionError(unknown)
    return rows


def test_rooms_of_several_scorers_are_ranked_together_by_their_excess() -> None:
    """Rank, room, actual, expected, excess, deviation, in this order, hottest first; nothing else is shown."""
    queries = len(hottest_rooms().build().targets or [])
    values = {"calm": (110, 100, 10, 10), "hot": (300, 100, 200, 200), "small": (40, 10, 30, 300)}
    merged = [
        {"Time": 0, "room": room} | {f"Value #{'ABCD'[at]}": told[at] for at in range(queries)}
        for room, told in values.items()
    ]
    table = transformed(merged)
    assert [list(row.values()) for row in table] == [
        [1, "hot", 300, 100, 200, 200],
        [2, "small", 40, 10, 30, 300],
        [3, "calm", 110, 100, 10, 10],
    ]
    assert list(table[0]) == [
        "Rank", "Room", "Actual, a minute", "Expected, a minute", "Excess, a minute", "Deviation",
    ]  # fmt: skip


def test_the_table_holds_as_many_rooms_as_a_hotlist() -> None:
    """K stands in the rules of the pipeline; the queries cut at it."""
    assert Rules().hotlist_size == K

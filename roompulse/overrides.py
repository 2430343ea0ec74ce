"""Settings of alerts for all rooms, for a category or for one room, from a TOML file:

    [rules]
    minimum_excess = 10
    [category."食品"]
    surge_budget = 4
    [room."room-17"]
    kinds = ["surge"]

A room's own table wins over its category's, that over `[rules]`, and that over what the bundle brings.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from roompulse.errors import InputError
from roompulse.rooms import KINDS

Digits = Annotated[float, Meta(ge=0, le=100)]
Budget = Annotated[float, Meta(gt=0, le=1440)]
Count = Annotated[float, Meta(ge=0, le=1e12)]
Percent = Annotated[float, Meta(ge=0, le=1e6)]
Minutes = Annotated[int, Meta(ge=1, le=1440)]


class Override(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The thresholds that may differ by category and room; they are those of `Rules`, UNSET where nothing is said."""

    surge_budget: Budget | UnsetType = UNSET
    """Alerts per room-day."""
    slump_budget: Budget | UnsetType = UNSET
    minimum_excess: Count | UnsetType = UNSET
    minimum_surge_percent: Percent | UnsetType = UNSET
    minimum_slump_percent: Percent | UnsetType = UNSET
    minimum_slump_expected: Count | UnsetType = UNSET
    hotspot_percent: Percent | UnsetType = UNSET
    hotspot_minutes: Minutes | UnsetType = UNSET
    hotspot_noise: Digits | UnsetType = UNSET
    kinds: tuple[Literal["surge", "slump", "hotspot"], ...] | UnsetType = UNSET
    """The kinds of alert that open; the others do not."""


class Overrides(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a settings file says: for all rooms, by category, by room."""

    rules: Override = Override()
    category: dict[str, Override] = {}
    room: dict[str, Override] = {}


def read_overrides(path: Path) -> Overrides:
    """Read a settings file. Raises InputError naming the file, the line where it can be told, and the key."""
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=str(path)) from error
    except ValueError as error:  # TOML's and UTF-8's errors are; TOML's says line and column
        raise InputError(f"expected TOML: {error}", file=str(path)) from error
    except RecursionError as error:
        raise InputError("expected TOML: nested too deeply", file=str(path)) from error
    lines = _Lines(str(path), text)
    for name in tables:
        if name not in Overrides.__struct_fields__:
            raise lines.error((name,), "", "expected the tables [rules], [category.NAME] and [room.ID]")
    return Overrides(
        _override(lines, ("rules",), tables.get("rules", {})), _by_name(lines, tables, "category"),
        _by_name(lines, tables, "room"),
    )  # fmt: skip


def _by_name(lines: _Lines, tables: dict[str, Any], kind: str) -> dict[str, Override]:
    named = tables.get(kind, {})
    if not isinstance(named, dict):
        raise lines.error((kind,), "", f'expected tables such as [{kind}."a name"]')
    return {name: _override(lines, (kind, name), values) for name, values in named.items()}


def _override(lines: _Lines, table: tuple[str, ...], values: Any) -> Override:
    if not isinstance(values, dict):
        raise lines.error(table, "", "expected a table")
    for key, value in values.items():
        if key not in Override.__struct_fields__:
            raise lines.error(table, key, f"no such setting; there are {', '.join(Override.__struct_fields__)}")
        try:
            msgspec.convert({key: value}, Override)
        except msgspec.ValidationError as error:
            message = str(error).partition(" - at ")[0]
            expected = f", expected some of {', '.join(KINDS)}" if key == "kinds" else ""
            raise lines.error(table, key, f"got {value!r}: {message}{expected}") from None
    return msgspec.convert(values, Override)


class _Lines:
    """Where in a file a table and its keys stand; a parser of TOML does not say."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._lines = file, text.splitlines()

    def error(self, table: tuple[str, ...], key: str, message: str) -> InputError:
        """An error about a key of a table, or about the table."""
        name = "[" + ".".join([table[0], *(f'"{part}"' for part in table[1:])]) + "]"
        return InputError(f"{name}{key and ' ' + key}: {message}", file=self._file, line=self._line(table, key))

    def _line(self, table: tuple[str, ...], key: str) -> int | None:
        """The line of a key under its table's header, or of the header; None where it is written in another way."""
        inside = False
        for number, line in enumerate(self._lines, 1):
            if line.lstrip().startswith("["):
                inside = _header(line) == table
                if inside and not key:
                    return number
            elif inside and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
                return number
        return None


def _header(line: str) -> tuple[str, ...]:
    try:
        names: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()  # an array over several lines
    path = []
    while isinstance(names, dict) and names:
        ((name, names),) = names.items()
        path.append(name)
    return tuple(path)

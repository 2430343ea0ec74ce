"""Settings of alerts as text: a TOML file that can be read again, and what changes from one to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import UNSET

from roompulse.overrides import Override, Overrides

_ESCAPES = {'"': '\\"', "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class Change:
    """One key of one table: what was said and what will be; None where nothing is."""

    table: str
    key: str
    before: str | None
    after: str | None


def tidied(settings: Overrides) -> Overrides:
    """The same without tables that say nothing."""
    category, room = (
        {name: said for name, said in named.items() if said != Override()}
        for named in (settings.category, settings.room)
    )
    return Overrides(settings.rules, category, room)


def toml_of(settings: Overrides) -> str:
    """A settings file that says this; reading it gives the same again. Empty where nothing is said."""
    return "\n".join(
        "".join(f"{line}\n" for line in (f"[{table}]", *(f"{key} = {value}" for key, value in said.items())))
        for table, said in _tables(settings).items()
    )


def changes(before: Overrides, after: Overrides) -> list[Change]:
    """Every key that is said anew, differently, or no more, table by table."""
    was, will = _tables(before), _tables(after)
    cells = (
        Change(table, key, was.get(table, {}).get(key), will.get(table, {}).get(key))
        for table in sorted({*was, *will}, key=_rank)
        for key in Override.__struct_fields__
    )
    return [cell for cell in cells if cell.before != cell.after]


def _rank(table: str) -> tuple[int, str]:
    kinds = Overrides.__struct_fields__
    return kinds.index(table.partition(".")[0]), table


def _tables(settings: Overrides) -> Mapping[str, Mapping[str, str]]:
    """Header and keys of each table, values as TOML writes them."""
    named = {"rules": settings.rules} if settings.rules != Override() else {}
    for kind, overrides in (("category", settings.category), ("room", settings.room)):
        named |= {f"{kind}.{_quoted(name)}": said for name, said in overrides.items()}
    return {table: dict(_said(override)) for table, override in named.items()}


def _said(override: Override) -> Iterator[tuple[str, str]]:
    for key in Override.__struct_fields__:
        value = getattr(override, key)
        if value is UNSET:
            continue
        if isinstance(value, tuple):
            yield key, f"[{', '.join(map(_quoted, value))}]"
        else:
            yield key, f"{value + 0:.0f}" if float(value).is_integer() else repr(value)


def _quoted(text: str) -> str:
    """A TOML string, in which nothing could steer a terminal."""
    return f'"{"".join(map(_sign, text))}"'


def _sign(sign: str) -> str:
    if sign in _ESCAPES or sign.isprintable():
        return _ESCAPES.get(sign, sign)
    return f"\\u{ord(sign):04X}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08X}"

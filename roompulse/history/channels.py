"""Traffic channels in a cell: a JSON object, or the Python dict literal of the platform's export."""

from __future__ import annotations

import ast

import msgspec

from roompulse.records import MAX_CHANNELS, MAX_COUNT, number

MAX_CELL_CHARACTERS = 65_536
_EXPECTED = "expected a JSON object or dict literal of counts by channel"

_decode = msgspec.json.Decoder(dict[str, int | float]).decode


def read_channels(text: str) -> dict[str, float]:
    """Counts by channel name; a blank cell is none at all. Raises ValueError with what was expected."""
    if not text or text.isspace():
        return {}
    if len(text) > MAX_CELL_CHARACTERS:
        raise ValueError(f"{_EXPECTED} of at most {MAX_CELL_CHARACTERS:,} characters")
    channels = _read_json(text)
    if len(channels) > MAX_CHANNELS:
        raise ValueError(f"expected at most {MAX_CHANNELS} channels")
    for name, count in channels.items():
        if not 0 <= count <= MAX_COUNT:
            raise ValueError(f"{name[:40]!a}: expected a number from 0 to 1e12")
        if type(count) is float:
            channels[name] = number(count)
    return channels


def _read_json(text: str) -> dict[str, float]:
    # A dict literal with plain names is JSON but for its quotes, and reading it as such is thirty times as fast.
    for form in (text, text.replace("'", '"') if '"' not in text and "\\" not in text else ""):
        if form.startswith('{"'):
            try:
                return _decode(form)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                continue
    return _read_literal(text)


def _read_literal(text: str) -> dict[str, float]:
    try:
        # Literals only, of a bounded length: nothing is ever run. Deep nesting ends in one of the errors below.
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(_EXPECTED) from None
    if not isinstance(value, dict):
        raise ValueError(_EXPECTED)
    for name, count in value.items():
        if not isinstance(name, str) or isinstance(count, bool) or not isinstance(count, int | float):
            raise ValueError(_EXPECTED)
    return value

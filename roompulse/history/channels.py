"""Traffic channels in a cell: a JSON object, or the Python dict literal of the platform's export."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from roompulse.records import MAX_CHANNELS, MAX_COUNT, number

MAX_CELL_CHARACTERS = 65_536
_EXPECTED = "expected a JSON object or dict literal of counts by channel"

_Whole = Annotated[int, Meta(ge=0, le=int(MAX_COUNT))]
_decode_whole: Callable[[str], dict[str, float]] = msgspec.json.Decoder(
    Annotated[dict[str, _Whole], Meta(max_length=MAX_CHANNELS)]
).decode
_decode = msgspec.json.Decoder(dict[str, int | float]).decode


def read_channels(text: str) -> dict[str, float]:
    """Counts by channel name; a blank cell is none at all. Raises ValueError with what was expected."""
    if not text or text.isspace():
        return {}
    if len(text) > MAX_CELL_CHARACTERS:
        raise ValueError(f"{_EXPECTED} of at most {MAX_CELL_CHARACTERS:,} characters")
    # A dict literal with plain names is JSON but for its quotes, and reading it as such is thirty times as fast.
    json = text if '"' in text or "\\" in text else text.replace("'", '"')
    if not json.startswith('{"'):
        channels = _read_literal(text)
    else:
        try:
            return _decode_whole(json)  # what most cells hold: whole counts, checked while they are read
        except (msgspec.MsgspecError, ValueError, RecursionError):
            channels = _read_other(json, text)
    if len(channels) > MAX_CHANNELS:
        raise ValueError(f"expected at most {MAX_CHANNELS} channels")
    for name, count in channels.items():
        if not 0 <= count <= MAX_COUNT:
            raise ValueError(f"{name[:40]!a}: expected a number from 0 to 1e12")
        if type(count) is float:
            channels[name] = number(count)
    return channels


def _read_other(json: str, text: str) -> dict[str, float]:
    try:
        return _decode(json)
    except (msgspec.MsgspecError, ValueError, RecursionError):
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

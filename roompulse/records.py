"""The records on the topics, and their strict decoding.

What is accepted here is what the AsyncAPI document promises: unknown fields are ignored, known ones are checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from roompulse.errors import RecordError

MAX_ROOM_ID = 256
"""Longest room id, in characters."""
MAX_CHANNELS = 256
"""Most channels of one kind in one record; only those in the settings' vocabulary are told apart."""
MAX_COUNT = 1e12
"""Largest value of any metric or channel in one minute."""

TARGET = "watch_ucnt"
METRICS = (
    TARGET,
    "online_user_cnt",
    "leave_ucnt",
    "comment_cnt",
    "incr_fans_cnt",
    "fans_club_ucnt",
    "pay_order_gmv",
    "pay_cnt",
    "pay_ucnt",
    "uv_value",
)
"""The platform's metrics, in the order in which arrays hold them; the forecast target comes first."""

Count = Annotated[float, Meta(ge=0, le=MAX_COUNT)]
RoomId = Annotated[str, Meta(min_length=1, max_length=MAX_ROOM_ID)]
Channels = Annotated[dict[str, Count], Meta(max_length=MAX_CHANNELS)]


class Metrics(Struct, omit_defaults=True, frozen=True):
    """One minute's metrics. The target is required; null says "alive, not measured"."""

    watch_ucnt: Count | None
    online_user_cnt: Count | None = None
    leave_ucnt: Count | None = None
    comment_cnt: Count | None = None
    incr_fans_cnt: Count | None = None
    fans_club_ucnt: Count | None = None
    pay_order_gmv: Count | None = None
    pay_cnt: Count | None = None
    pay_ucnt: Count | None = None
    uv_value: Count | None = None


class RoomMinute(Struct, omit_defaults=True, frozen=True):
    """`live.room.minute/1`: what one room did in one minute. `minute` is RFC 3339 with an offset."""

    room_id: RoomId
    minute: str
    metrics: Metrics
    natural: Channels = {}
    paid: Channels = {}
    category: Annotated[str, Meta(max_length=256)] | None = None
    ended: bool = False


class Clock(Struct, frozen=True):
    """`live.clock/1`: moves a partition's watermark on to `minute`."""

    minute: str


class Quantiles(Struct, frozen=True):
    """Forecast quantiles for minutes +1 to +10, ten numbers each."""

    low: list[float] = field(name="0.1")
    median: list[float] = field(name="0.5")
    high: list[float] = field(name="0.9")


class Forecast(Struct, frozen=True):
    """`live.room.forecast/1`: made after `minute` was seen."""

    room_id: str
    minute: str
    model: str
    quantiles: Quantiles


class Driver(Struct, frozen=True):
    """A metric or channel that moved with the alert, against its own running level."""

    name: str
    actual: float
    expected: float


class Alert(Struct, omit_defaults=True, frozen=True):
    """`live.room.alert/1`: an opening, update, resolution or retraction."""

    alert_id: str
    event: str
    kind: str
    severity: str
    room_id: str
    opened: str
    minute: str
    actual: float | None
    expected: float | None
    low: float | None
    high: float | None
    tail_probability: float | None
    deviation_percent: float | None
    drivers: list[Driver]
    text: str
    model: str
    reason: str | None = None


class HotRoom(Struct, frozen=True):
    """One row of the hotlist."""

    rank: int
    room_id: str
    actual: float
    expected: float
    excess: float
    deviation_percent: float | None


class Hotlist(Struct, frozen=True):
    """`live.room.hotlist/1`: the rooms furthest above their forecast in one minute of one partition."""

    minute: str
    partition: int
    rooms: list[HotRoom]


class FleetEvent(Struct, omit_defaults=True, frozen=True):
    """`live.fleet.event/1`: many rooms of one partition moved together, still do, or do no more."""

    fleet_id: str
    event: str
    direction: str
    partition: int
    opened: str
    minute: str
    rooms: int
    moved: int
    share: float | None
    actual: float | None
    expected: float | None
    deviation_percent: float | None
    text: str
    reason: str | None = None


encode = msgspec.json.Encoder().encode
"""A record as UTF-8 JSON bytes."""

Decoded = TypeVar("Decoded")
_minute_decoder = msgspec.json.Decoder(RoomMinute)
_clock_decoder = msgspec.json.Decoder(Clock)


class _Literal(str):
    """A number as it was written, such as 1e999."""

    __slots__ = ()
    __repr__ = str.__str__


_loose_decoder = msgspec.json.Decoder(float_hook=_Literal)
_PATH = re.compile(r" - at `(?:key in )?\$(.*)`$")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
# Control characters have no place in an identifier that ends up on terminals and in log lines.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def decode_minute(value: bytes) -> RoomMinute:
    """Decode and check one room-minute. Raises RecordError with the field, its value and what was expected."""
    record = decode_with(_minute_decoder, value)
    check_room_id(record.room_id)
    return record


def decode_clock(value: bytes) -> Clock:
    """Decode and check one clock record. Raises RecordError."""
    return decode_with(_clock_decoder, value)


def decode_with(decoder: msgspec.json.Decoder[Decoded], value: bytes) -> Decoded:
    """Decode and check one record of any kind. Raises RecordError."""
    try:
        if not value.isascii():
            value.decode()  # the decoder passes over what it does not know without looking whether it is UTF-8
        return decoder.decode(value)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise _explain(error, value) from None


def check_room_id(room_id: str) -> None:
    """Raise RecordError for what no terminal or log line should show."""
    if _CONTROL.search(room_id):
        raise RecordError("invalid", f"room_id: got {_show(room_id)}, expected text without control characters")


def _explain(error: Exception, value: bytes) -> RecordError:
    """Turn a decoder's complaint into one that says field, value and expectation."""
    if not isinstance(error, msgspec.ValidationError):
        return RecordError("malformed", f"value: got {_show(value[:60])}: expected UTF-8 JSON: {error}")
    message = str(error)
    found = _PATH.search(message)
    path = found[1] if found else ""
    expected = message[: found.start()] if found else message
    if missing := _MISSING.fullmatch(expected):
        name = f"{path}.{missing[1]}".removeprefix(".")
        return RecordError("invalid", f"{name}: missing required field `{missing[1]}`, expected in every record")
    name = path.removeprefix(".") or "value"
    try:
        got: Any = _loose_decoder.decode(value)
        for key, index in _STEP.findall(path):
            if index == "...":
                return RecordError("invalid", f"{name}: got {_show(got)}: {expected}")
            got = got[key] if key else got[int(index)]
        # Within the try: what can just be decoded may be nested too deeply to be shown.
        return RecordError("invalid", f"{name}: got {_show(got)}: {expected}")
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError, RecursionError):
        return RecordError("invalid", f"{name}: {expected}")


def _show(value: Any) -> str:
    text = ascii(value) if type(value) is str else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def number(value: float) -> float:
    """A count as it was received: whole numbers without a decimal point, no negative zero."""
    return int(value) if value == int(value) else value


def metrics_from(values: Mapping[str, float | None]) -> Metrics:
    """Build `Metrics` from a mapping of known names; whole numbers become integers in JSON."""
    return Metrics(**{name: None if value is None else number(value) for name, value in values.items()})

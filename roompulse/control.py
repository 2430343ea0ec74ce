"""Control records on the input topic: which model, which settings and whose forecast a partition follows from here on.

There is one for each partition. Their place in the log is part of the fold, so a replay obeys them at the same place.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from roompulse.errors import RecordError, UsageError
from roompulse.minutes import parse_minute
from roompulse.overrides import Overrides
from roompulse.records import decode_with, encode
from roompulse.thresholds import check_categories
from roompulse.words import Note

BundleHash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
BundleLabel = Annotated[str, Meta(min_length=1, max_length=200)]
SpreadMinutes = Annotated[float, Meta(ge=1, le=1440, multiple_of=1)]  # whole: in JSON 2.0 is an integer as 2 is

SPREAD_MINUTES = 5
PLAIN: Literal["plain"] = "plain"


class FollowModel(Struct, tag="model", tag_field="control", frozen=True, omit_defaults=True):
    """Follow this bundle from the minute `begins` on, each room at its turn within `spread_minutes`.

    Without `begins` it is the minute after the partition's newest. It also ends what `ServeForecast` said before.
    """

    hash: BundleHash
    label: BundleLabel
    spread_minutes: SpreadMinutes = SPREAD_MINUTES
    begins: str | None = None
    note: Note | None = None


class Challenge(Struct, tag="challenger", tag_field="control", frozen=True, omit_defaults=True):
    """Try this bundle in the shadow of the one that is followed; None ends a trial. No output depends on it."""

    hash: BundleHash | None
    label: BundleLabel | None = None
    note: Note | None = None


class ApplySettings(Struct, tag="settings", tag_field="control", frozen=True, omit_defaults=True):
    """These settings of alerts, in place of all that held before."""

    settings: Overrides
    note: Note | None = None


class ServeForecast(Struct, tag="serve", tag_field="control", frozen=True, omit_defaults=True):
    """Serve the network's forecast, or the plain mean in its place because the network loses to it."""

    forecast: Literal["network", "plain"]
    note: Note | None = None


Control = FollowModel | Challenge | ApplySettings | ServeForecast

_decoder: msgspec.json.Decoder[Control] = msgspec.json.Decoder(Control)


def decode_control(value: bytes) -> Control:
    """Decode and check one control record (`live.control/1`). Raises RecordError."""
    control = decode_with(_decoder, value)
    try:
        if isinstance(control, FollowModel):
            begins_of(control)
        if isinstance(control, ApplySettings):
            check_categories(control.settings.category)
    except ValueError as error:
        got = getattr(control, "begins", None)
        raise RecordError("invalid", f"begins: got {str(got)[:60]!a}: {error}") from None
    except UsageError as error:
        raise RecordError("invalid", str(error)) from None
    return control


def control_value(control: Control) -> bytes:
    """The bytes of a control record, read back as a scorer will. Raises UsageError where it would refuse them."""
    try:
        value = encode(control)
        decode_control(value)
    except RecordError as error:
        raise UsageError(str(error)) from None
    except UnicodeEncodeError as error:
        raise UsageError(f"got {error.object[:60]!a}: expected UTF-8") from None
    return value


def begins_of(control: FollowModel) -> int | None:
    """The epoch minute from which the model is followed, where the record names one. Raises ValueError."""
    return None if control.begins is None else parse_minute(control.begins).epoch


def name_of(control: Control) -> str:
    """What the record is about: model, challenger, settings or serve."""
    return str(type(control).__struct_config__.tag)

"""History as one table: a row for each room and minute, the metrics and the traffic channels unpacked into columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from msgspec.structs import astuple

from roompulse.channels import CHANNEL_TOTALS
from roompulse.errors import InputError
from roompulse.history import HistoryRow
from roompulse.minutes import ZULU
from roompulse.records import METRICS

KINDS = ("natural", "paid")
MAX_COLUMNS = 64
"""So many channels get a column of their own; what comes after them is added to the kind's `other`."""
MAX_FILLED = 20_000_000
"""A single wrong year would otherwise fill the memory with zeros."""


@dataclass(frozen=True, slots=True)
class HistoryFrame:
    """`minutes` has `room`, `epoch` and `local` (minutes since 1970 in UTC and in the row's own zone), the metrics, and
    a column a channel, NaN where nothing was measured; by room and time, each minute once.
    """

    minutes: pd.DataFrame
    channels: dict[str, tuple[str, str]]
    """Column to kind and name, the platform's totals included."""
    repeated: int
    """Rows of a minute that another row of the same room replaced: the later one counts."""

    @property
    def offset(self) -> int:
        """Minutes east of UTC of the first row: times are told in that zone."""
        return int(self.minutes["local"].iloc[0] - self.minutes["epoch"].iloc[0])

    def drivers(self) -> list[str]:
        """The channels' columns without the platform's totals, which are sums of them."""
        return [column for column, (_, name) in self.channels.items() if name not in CHANNEL_TOTALS]


def frame_of(rows: Iterable[HistoryRow]) -> HistoryFrame:
    """Collect rows. A channel that a row does not name was not used: 0, unless the row names none of its kind."""
    codes, epochs, locals_ = array("q"), array("q"), array("q")
    metrics = [array("d") for _ in METRICS]
    named = {kind: array("b") for kind in KINDS}
    rooms: dict[str, int] = {}
    channels: dict[tuple[str, str], array[float]] = {}
    for count, (minute, record) in enumerate(rows):
        codes.append(rooms.setdefault(record.room_id, len(rooms)))
        epochs.append(minute.epoch)
        locals_.append(minute.epoch + (0 if minute.offset == ZULU else minute.offset))
        for column, value in zip(metrics, astuple(record.metrics), strict=True):
            column.append(float("nan") if value is None else value)
        for kind, found in (("natural", record.natural), ("paid", record.paid)):
            named[kind].append(bool(found))
            for name, value in found.items():
                series = channels.get((kind, name))
                if series is None:
                    key = (kind, name) if len(channels) < MAX_COLUMNS else (kind, "other")
                    series = channels.setdefault(key, array("d"))
                if len(series) < count:  # not named for a while
                    series.frombytes(bytes(8 * (count - len(series))))
                if len(series) == count:
                    series.append(value)
                else:
                    series[count] += value
    table: dict[str, object] = {
        "room": pd.Categorical.from_codes(np.asarray(codes, np.int64), pd.Index(list(rooms))),
        "epoch": np.asarray(epochs),
        "local": np.asarray(locals_),
    }
    table |= {name: np.asarray(column) for name, column in zip(METRICS, metrics, strict=True)}
    for (kind, name), series in channels.items():
        series.frombytes(bytes(8 * (len(codes) - len(series))))
        table[f"{kind} {name}"] = np.where(np.asarray(named[kind], bool), np.asarray(series), np.nan)
    every = pd.DataFrame(table)
    minutes = every.drop_duplicates(["room", "epoch"], keep="last").sort_values(["room", "epoch"], ignore_index=True)
    names = {f"{kind} {name}": (kind, name) for kind, name in channels}
    return HistoryFrame(minutes, names, len(every) - len(minutes))


def fill_zero(frame: HistoryFrame) -> HistoryFrame:
    """Every minute from a room's first to its last, what was not measured as zero, as the reference study has it.

    A metric or channel that was never measured stays so. Raises InputError where that would be too many minutes.
    """
    ends = frame.minutes.groupby("room", observed=True)["epoch"].agg(["min", "max"])
    lengths = (ends["max"] - ends["min"] + 1).to_numpy()
    if lengths.sum() > MAX_FILLED:
        raise InputError(
            f"--fill zero: {lengths.sum():,} minutes lie between the rooms' first and last ones, at most "
            f"{MAX_FILLED:,} are filled; leave out wrong dates with --start and --end"
        )
    first = np.repeat(ends["min"].to_numpy(), lengths)
    epochs = first + np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    whole = pd.DataFrame({"room": ends.index.repeat(lengths), "epoch": epochs})
    minutes = whole.merge(frame.minutes, on=["room", "epoch"], how="left")
    offset = (minutes["local"] - minutes["epoch"]).ffill()  # each room's first minute is there
    minutes["local"] = (minutes["epoch"] + offset).astype("int64")
    values = [name for name in (*METRICS, *frame.channels) if minutes[name].notna().any()]
    minutes[values] = minutes[values].fillna(0.0)
    return replace(frame, minutes=minutes)

"""Windowed networks: from a room's last minutes to inputs, and from outputs to forecasts.

One definition for trainer, scorer and golden vectors. Filling, scaling and rolling forward are elementwise or follow
one room's own row: a row's bits do not depend on the other rows. Matrix products are the network's alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from roompulse.errors import BundleError
from roompulse.forecasting import HORIZONS, OUTPUTS, QUANTILES
from roompulse.holidays import is_holiday
from roompulse.rooms import DRIVERS

CALENDAR = ("day_sin", "day_cos", "week_sin", "week_cos", "holiday")
"""What `time_features` adds to each minute of a window."""
FINGERPRINT = hashlib.sha256(repr((1, "window", DRIVERS, CALENDAR)).encode()).hexdigest()[:16]
"""Names this definition; a windowed bundle made for another one is refused."""

_DAY, _WEEK = 1440, 7
_EPOCH_WEEKDAY = 3
"""1970 began on a Thursday; Monday is 0."""
# Looked up rather than computed, so that a minute has the same bits in any company.
_DAY_WAVE = np.stack([f(2 * np.pi * np.arange(_DAY) / _DAY) for f in (np.sin, np.cos)], axis=1).astype(np.float32)
_WEEK_WAVE = np.stack([f(2 * np.pi * np.arange(_WEEK) / _WEEK) for f in (np.sin, np.cos)], axis=1).astype(np.float32)

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Inputs (n, window, features) to outputs (n, 1), or (n, 10) with a direct head."""


class WindowSpecification(Struct, frozen=True, forbid_unknown_fields=True):
    """What a windowed bundle says of its network."""

    preset: str
    minutes: int
    """Length of the window."""
    series: int
    """1: the target alone; 27: all metrics and channels, the target first."""
    fill: Literal["zero", "hold"]
    """A blank is 0, or the value before it (before the first value: that one)."""
    center: tuple[float, ...]
    """By series; the network sees (value - center) / scale."""
    scale: tuple[float, ...]
    direct: bool
    """Ten outputs for ten minutes; otherwise one, rolled forward over its own forecasts."""
    time_features: bool
    residuals: tuple[tuple[float, ...], ...]
    """(3, 10): quantiles 0.1, 0.5, 0.9 of log1p(actual) - log1p(forecast) on the validation part, by horizon."""
    row_multiple: int = 1
    """The network runs on this many rows at a time, or on a multiple of that: see `padded`."""
    channels: tuple[tuple[str, str], ...] = ()
    """The vocabulary of the channel series, where there are 27."""

    @property
    def inputs(self) -> int:
        """Features of a minute, as the network sees it."""
        return self.series + (len(CALENDAR) if self.time_features else 0)


def window_from(values: dict[str, Any]) -> WindowSpecification:
    """Read a bundle's JSON object. Raises BundleError naming the field."""
    try:
        window = msgspec.convert(values, WindowSpecification)
    except msgspec.ValidationError as error:
        raise BundleError(f"window: {error}") from None
    if window.minutes < 1 or window.series not in {1, DRIVERS}:
        raise BundleError(f"window: {window.minutes} minutes of {window.series} series: expected 1 or {DRIVERS} series")
    if window.row_multiple < 1:
        raise BundleError(f"window: row_multiple: got {window.row_multiple}, expected a number from 1 up")
    if not len(window.center) == len(window.scale) == window.series or 0 in window.scale:
        raise BundleError(f"window: center and scale: expected {window.series} numbers each, no scale of 0")
    if [len(row) for row in window.residuals] != [HORIZONS] * len(QUANTILES):
        raise BundleError(f"window: residuals: expected {len(QUANTILES)} quantiles at {HORIZONS} horizons")
    return window


def fill_blanks(windows: NDArray[np.float32], fill: str) -> NDArray[np.float32]:
    """Replace NaN in (n, window, series): by 0, or by the last value before it, at the start by the first one."""
    blank = np.isnan(windows)
    if fill == "hold":
        rows = np.arange(windows.shape[1])[None, :, None]
        before = np.maximum.accumulate(np.where(blank, -1, rows), axis=1)
        first = np.argmin(blank, axis=1)[:, None, :]  # 0 where nothing is known: still NaN, and 0 in the end
        windows = np.take_along_axis(windows, np.where(before < 0, first, before), axis=1)
        blank = np.isnan(windows)
    return np.asarray(np.where(blank, 0, windows), np.float32)


def scaled(specification: WindowSpecification, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill and scale (n, window, series), NaN for a blank."""
    center, scale = (np.array(each, np.float32) for each in (specification.center, specification.scale))
    return np.asarray((fill_blanks(windows, specification.fill) - center) / scale, np.float32)


def calendar(minutes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Time of day, weekday and holiday of local minutes since 1970, (n, window) to (n, window, 5)."""
    days = minutes // _DAY
    waves = _DAY_WAVE[minutes % _DAY], _WEEK_WAVE[(days + _EPOCH_WEEKDAY) % _WEEK]
    return np.concatenate([*waves, is_holiday(days)[..., None].astype(np.float32)], axis=-1)


def network_inputs(
    specification: WindowSpecification, values: NDArray[np.float32], minutes: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Scaled values (n, window, series) whose newest is of local minute `minutes` (n,); adds the calendar if wanted."""
    if not specification.time_features:
        return np.ascontiguousarray(values)
    back = np.arange(values.shape[1] - 1, -1, -1)
    return np.concatenate([values, calendar(minutes[:, None] - back)], axis=2)


def padded(network: Network, multiple: int) -> Network:
    """The network on a number of rows that is a multiple of `multiple`, blank ones added and cut off again.

    onnxruntime's Elu works on 16 numbers at a time and gives what is left over at a tensor's end other bits: with 16
    rows, or a multiple, nothing is left over. Its LSTM, matrix product, Relu and LeakyRelu need no such care.
    """
    if multiple == 1:
        return network

    def run(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        more = np.zeros((-len(inputs) % multiple, *inputs.shape[1:]), np.float32)
        return network(np.concatenate([inputs, more]))[: len(inputs)]

    return run


def look_ahead(
    specification: WindowSpecification, network: Network, windows: NDArray[np.float32], minutes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The network's own forecasts (n, 10), counts a minute at +1 to +10, never below zero.

    `windows` (n, window, series) as they came, NaN for a blank; `minutes` (n,) the newest one's local minute. A network
    with one output is rolled forward: its forecast becomes the newest minute, other series keep their last values.
    """
    values = scaled(specification, windows)
    network = padded(network, specification.row_multiple)
    if specification.direct:
        ahead = network(network_inputs(specification, values, minutes))
    else:
        ahead = np.empty((len(values), HORIZONS), np.float32)
        for step in range(HORIZONS):
            ahead[:, step] = network(network_inputs(specification, values, minutes + step))[:, 0]
            newest = values[:, -1:].copy()
            newest[:, 0, 0] = ahead[:, step]
            values = np.concatenate([values[:, 1:], newest], axis=1)
    counts = ahead.astype(np.float64) * specification.scale[0] + specification.center[0]
    return np.maximum(counts, 0.0)


def relative(
    specification: WindowSpecification, ahead: NDArray[np.float64], references: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Raw outputs (n, 30), as a step network gives them: quantiles relative to the level `references` (n,).

    `ahead` (n, 10) are the network's forecasts; the quantiles are those of its residuals on the validation part.
    """
    residuals = np.array(specification.residuals)
    logs = np.log1p(ahead)[:, None, :] + residuals - references[:, None, None]
    return np.asarray(logs.reshape(len(ahead), OUTPUTS), np.float32)


def golden_minutes(count: int) -> NDArray[np.int64]:
    """The local minutes that golden windows end at: spread over days, weekdays and a holiday."""
    return 26_297_280 + 1_727 * np.arange(count, dtype=np.int64)

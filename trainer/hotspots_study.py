"""The study of two related series: an LSTM learns one, forecasts the other, and where it is far off is a hotspot.

After the reference: each series scaled by its own least and largest value, a forecast from the values before, forecasts
truncated to whole numbers, and the deviation |actual - predicted| / actual in percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roompulse.errors import InputError
from trainer.hotspots_series import Rows, Series
from trainer.preset_fitting import EpochReport, fit
from trainer.presets import PresetSettings

LEAST_FORECASTS = 10
"""Of each series: fewer teach nothing, and show nothing."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of the study's table."""

    index: int | str
    date: str | None
    actual: int | float
    predicted: int
    deviation_percent: float | None
    """None where the actual value is 0."""
    direction: str | None
    """`above` or `below` the forecast; None where they are equal."""
    hotspot: bool


@dataclass(frozen=True, slots=True)
class Lagged:
    """A scaled series as examples: the values before, and the next one."""

    inputs: Floats
    """(n, look-back, 1)"""
    targets: Floats
    """(n, 1)"""

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """These rows."""
        return self.inputs[rows], self.targets[rows]


def check_length(series: Series, look_back: int, file: str) -> None:
    """Raise InputError where a series is too short, or never changes."""
    least = look_back + LEAST_FORECASTS
    if len(series.values) < least:
        blank = f" and {series.blanks:,} blank cells" if series.blanks else ""
        raise InputError(
            f"too short: {len(series.values)} values{blank}, expected {least} or more (look-back {look_back} and "
            f"{LEAST_FORECASTS} forecasts)",
            file=file,
            column=series.name,
        )
    if series.values.min() == series.values.max():
        raise InputError(f"every value is {series.values[0]:g}: nothing to scale by", file=file, column=series.name)


def train_on(series: Series, settings: PresetSettings, report: EpochReport) -> tuple[Any, list[float]]:
    """The network, trained on the whole series as there, and its losses by epoch; the same arguments, the same bits."""
    examples = lagged(series, settings.window)
    fitted = fit(settings, examples, examples, report)
    return fitted.model, fitted.losses


def predict(model: Any, series: Series, look_back: int) -> NDArray[np.float64]:
    """Forecasts of each value from those before it, in the series' own scale; NaN for the first `look_back`."""
    outputs = np.asarray(model(lagged(series, look_back).inputs, training=False), np.float64)[:, 0]
    least, most = series.values.min(), series.values.max()
    return np.concatenate([np.full(look_back, np.nan), outputs * (most - least) + least])


def lagged(series: Series, look_back: int) -> Lagged:
    """Scaled to 0..1 by the series' own least and largest value."""
    least, most = series.values.min(), series.values.max()
    scaled = ((series.values - least) / (most - least)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(scaled, look_back)[:-1]
    return Lagged(np.ascontiguousarray(windows)[:, :, None], scaled[look_back:, None])


def compare(
    rows: Rows, series: Series, predicted: NDArray[np.float64], threshold: float, *, reference_indexing: bool
) -> list[Compared]:
    """Actual values beside their forecasts, in the file's order.

    With `reference_indexing` beside the forecast of the next index, one row down in the file, as in the reference.
    """
    lying = np.argsort(series.places)
    places, actual, forecast = series.places[lying], series.values[lying], predicted[lying]
    if reference_indexing:
        forecast = np.append(forecast[1:], np.nan)
    table = []
    for place, value, made in zip(places.tolist(), actual.tolist(), forecast.tolist(), strict=True):
        if np.isnan(made):
            continue
        whole = int(made)
        deviation = 100 * abs(value - whole) / abs(value) if value else None
        table.append(
            Compared(
                _as_number(rows.index[place]),
                rows.dates[place] if rows.dates else None,
                int(value) if value == int(value) else value,
                whole,
                None if deviation is None else float(f"{deviation:.4g}"),
                None if value == whole else "above" if value > whole else "below",
                deviation is not None and deviation > threshold,
            )
        )
    return table


def _as_number(index: str) -> int | str:
    return int(index) if index.isascii() and index.isdigit() and str(int(index)) == index else index

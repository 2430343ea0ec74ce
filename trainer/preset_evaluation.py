"""How good a windowed network is on the part of the time that it has not seen, and what its report draws."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from roompulse.bundle import Bundle
from roompulse.errors import BundleError
from roompulse.forecasting import HORIZONS, QUANTILES, quantiles_from
from roompulse.window import (
    Network,
    WindowSpecification,
    golden_minutes,
    look_ahead,
    network_inputs,
    padded,
    relative,
    scaled,
)
from trainer.baselines import baselines
from trainer.evaluation import Scored
from trainer.preset_network import network_of
from trainer.preset_report import Pictured
from trainer.preset_samples import ALWAYS, Samples, forecasts, samples
from trainer.presets import PresetSettings
from trainer.series import Cuts, SeriesSession, cuts_of, fit_scaler
from trainer.sessions import Session

MOST_JUDGED, MOST_LEARNT_FROM = 50_000, 400_000
"""Of a longer history an evenly spread part is judged, in forecasts, and known to the baselines, in minutes."""
DRAWN_MINUTES = 10_080
"""The last week: more would make a page that no browser opens."""
_TIMED_ROWS, _TIMED_S = 1000, 1.0


def residual_quantiles(
    specification: WindowSpecification, network: Network, validation: Samples
) -> tuple[tuple[float, ...], ...]:
    """Quantiles of log1p(actual) - log1p(forecast) at each horizon, (3, 10)."""
    some = validation.evenly(MOST_JUDGED)
    residuals = np.log1p(some.truth()) - np.log1p(forecasts(specification, network, some))
    return tuple(tuple(row) for row in np.nanquantile(residuals, QUANTILES, axis=0).tolist())


def judge(
    specification: WindowSpecification,
    network: Network,
    test: Samples,
    sessions: Sequence[SeriesSession],
    cuts: Cuts,
) -> Scored:
    """The test part's forecasts as the network alone would have them served, beside the baselines' on the same rows."""
    some = test.evenly(MOST_JUDGED)
    learnt_from = [s for s in sessions if cuts.validation - s.start > HORIZONS]
    every = 1 + sum(len(session.values) for session in learnt_from) // MOST_LEARNT_FROM
    rivals = baselines(
        [Session(s.room, s.start, s.counts().counts[: cuts.validation - s.start]) for s in learnt_from[::every]]
    )
    made: dict[str, list[NDArray[np.float64]]] = {name: [] for name in rivals}
    sizes = []
    for number in np.unique(some.session).tolist():  # in their order, as the rows are
        session, places = sessions[number].counts(), some.place[some.session == number]
        for name, rival in rivals.items():
            made[name].append(rival(session)[places])
        sizes.append(np.full(len(places), np.nanmean(session.counts)))
    return Scored(
        some.truth(),
        served(specification, network, some),
        {name: np.concatenate(parts) for name, parts in made.items()},
        some.session.astype(np.int64),
        np.concatenate(sizes),
    )


def served(specification: WindowSpecification, network: Network, asked: Samples) -> NDArray[np.float64]:
    """Quantiles (n, 3, 10), before any room's gate and calibration."""
    return quantiles_of(specification, forecasts(specification, network, asked))


def quantiles_of(specification: WindowSpecification, ahead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles (n, 3, 10) around the network's own forecasts (n, 10)."""
    reference = np.zeros(len(ahead))
    return quantiles_from(relative(specification, ahead, reference), reference)


def one_step(
    specification: WindowSpecification, network: Network, part: Samples
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Actual and forecast counts a minute ahead, where the actual one is known; the network's own."""
    pairs = [(np.zeros(0), np.zeros(0))]
    for some in part.portions():
        actual = some.truth()[:, 0]
        known = ~np.isnan(actual)
        chosen = some.chosen(known)
        inputs = network_inputs(specification, scaled(specification, chosen.windows()), chosen.minutes())
        made = padded(network, specification.row_multiple)(inputs)[:, 0] if len(chosen) else np.zeros(0, np.float32)
        forecast = made.astype(np.float64) * specification.scale[0] + specification.center[0]
        pairs.append((actual[known], np.maximum(forecast, 0.0)))
    actual, forecast = (np.concatenate(each) for each in zip(*pairs, strict=True))
    return actual, forecast


def fit_figures(actual: NDArray[np.float64], forecast: NDArray[np.float64]) -> dict[str, float | None]:
    """The studies' table: R2, mean squared error, its root and mean absolute error; R2 is None of a constant."""
    error = actual - forecast
    spread = float(np.sum((actual - actual.mean()) ** 2))
    figures = {
        "r2": 1 - float(np.sum(error**2)) / spread if spread > 0 else None,
        "mse": float(np.mean(error**2)),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
    }
    return {name: None if value is None else float(f"{value:.4g}") for name, value in figures.items()}


def apply_to(
    specification: WindowSpecification, network: Network, settings: PresetSettings, other: SeriesSession
) -> dict[str, float | None]:
    """The figures of a network on a whole series that it was not trained on, scaled by that series' own first 75 %."""
    cuts = cuts_of([other], other.room)
    center, scale = fit_scaler([other], cuts, settings.scaler, settings.fill)
    own = msgspec.structs.replace(specification, center=center, scale=scale)
    return fit_figures(*one_step(own, network, samples([other], own.minutes, -ALWAYS, ALWAYS)))


def picture(
    specification: WindowSpecification, network: Network, sessions: Sequence[SeriesSession], cuts: Cuts, *, clock: bool
) -> Pictured:
    """What the report draws: the longest session that reaches into the test part."""
    latest = [s for s in sessions if s.start + len(s.values) > cuts.test]
    session = max(latest, key=lambda s: (len(s.values), s.room))
    latest_rows = samples([session], specification.minutes, -ALWAYS, ALWAYS)
    drawn = latest_rows.chosen(slice(-DRAWN_MINUTES, None))
    known = ~np.isnan(drawn.truth()[:, 0])
    actual, forecast = one_step(specification, network, drawn)
    last = np.array([len(session.values) - 1], np.int32)
    newest = Samples([session], specification.minutes, ALWAYS, np.zeros(1, np.int32), last)
    origin = session.start + len(session.values) - 1
    quantiles = served(specification, network, newest)
    minutes = session.start + session.east + drawn.place[known].astype(np.int64) + 1
    marks = cuts.validation + session.east, cuts.test + session.east
    return Pictured(session.room, minutes, actual, forecast, marks, origin + session.east, quantiles[0], clock)


def rooms_a_minute(bundle: Bundle) -> int:
    """Forecasts of a windowed bundle that one core makes in a minute, in processor time here; two significant digits.

    Raises BundleError where it reads no window.
    """
    specification, network = bundle.specification.window, network_of(bundle.model)
    if specification is None:
        raise BundleError(f"{bundle.label}: reads no window")
    windows = np.full((_TIMED_ROWS, specification.minutes, specification.series), 20, np.float32)
    done, started = 0, time.process_time()
    while (seconds := time.process_time() - started) < _TIMED_S:
        quantiles_of(specification, look_ahead(specification, network, windows, golden_minutes(_TIMED_ROWS)))
        done += _TIMED_ROWS
    return int(float(f"{60 * done / seconds:.2g}"))

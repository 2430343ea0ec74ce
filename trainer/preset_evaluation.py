"""How good a windowed network is on the part of the time that it has not seen, and what its report draws."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS, QUANTILES, quantiles_from
from roompulse.window import Network, WindowSpecification, look_ahead, network_inputs, relative, scaled
from trainer.baselines import baselines
from trainer.evaluation import Scored
from trainer.preset_report import Pictured
from trainer.presets import PresetSettings
from trainer.series import Cuts, Samples, SeriesSession, cuts_of, fit_scaler, samples
from trainer.sessions import Session

_TIMED_ROWS, _TIMED_S = 1000, 1.0


def residual_quantiles(
    specification: WindowSpecification, network: Network, validation: Samples
) -> tuple[tuple[float, ...], ...]:
    """Quantiles of log1p(actual) - log1p(forecast) at each horizon, (3, 10)."""
    ahead = look_ahead(specification, network, validation.windows, validation.minutes)
    residuals = np.log1p(validation.truth) - np.log1p(ahead)
    return tuple(tuple(row) for row in np.nanquantile(residuals, QUANTILES, axis=0).tolist())


def judge(
    specification: WindowSpecification,
    network: Network,
    test: Samples,
    sessions: Sequence[SeriesSession],
    cuts: Cuts,
) -> Scored:
    """The test part's forecasts as the network alone would have them served, beside the baselines' on the same rows."""
    whole = [session.counts() for session in sessions]
    learnt_from = [Session(s.room, s.start, s.counts[: max(0, cuts.validation - s.start)]) for s in whole]
    rivals = baselines([session for session in learnt_from if len(session.counts) > HORIZONS])
    forecasts = {name: [rival(session) for session in whole] for name, rival in rivals.items()}
    pairs = list(zip(test.session.tolist(), test.place.tolist(), strict=True))
    sizes = [float(np.nanmean(session.counts)) for session in whole]
    return Scored(
        test.truth,
        served(specification, network, test.windows, test.minutes),
        {name: np.stack([made[session][place] for session, place in pairs]) for name, made in forecasts.items()},
        test.session,
        np.array([sizes[session] for session in test.session.tolist()]),
    )


def served(
    specification: WindowSpecification,
    network: Network,
    windows: NDArray[np.float32],
    minutes: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Quantiles (n, 3, 10), before any room's gate and calibration."""
    reference = np.zeros(len(windows))
    return quantiles_from(
        relative(specification, look_ahead(specification, network, windows, minutes), reference), reference
    )


def one_step(
    specification: WindowSpecification, network: Network, part: Samples
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Actual and forecast counts a minute ahead, where the actual one is known; the network's own."""
    known = ~np.isnan(part.truth[:, 0])
    inputs = network_inputs(specification, scaled(specification, part.windows[known]), part.minutes[known])
    forecast = network(inputs)[:, 0] * specification.scale[0] + specification.center[0]
    return part.truth[known, 0], np.maximum(forecast.astype(np.float64), 0.0)


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
    return fit_figures(*one_step(own, network, samples([other], own.minutes, -(1 << 62), 1 << 62)))


def picture(
    specification: WindowSpecification, network: Network, sessions: Sequence[SeriesSession], cuts: Cuts, *, clock: bool
) -> Pictured:
    """What the report draws: the longest session that reaches into the test part."""
    latest = [s for s in sessions if s.start + len(s.values) > cuts.test]
    session = max(latest, key=lambda s: (len(s.values), s.room))
    whole = samples([session], specification.minutes, -(1 << 62), 1 << 62)
    actual, forecast = one_step(specification, network, whole)
    known = ~np.isnan(whole.truth[:, 0])
    newest = np.full((1, specification.minutes, specification.series), np.nan, np.float32)
    last = session.values[-specification.minutes :]
    newest[0, -len(last) :] = last
    origin = session.start + len(session.values) - 1
    quantiles = served(specification, network, newest, np.array([origin + session.east]))
    minutes = session.start + session.east + whole.place[known] + 1
    marks = cuts.validation + session.east, cuts.test + session.east
    return Pictured(session.room, minutes, actual, forecast, marks, origin + session.east, quantiles[0], clock)


def rooms_a_minute(specification: WindowSpecification, network: Network, test: Samples) -> int:
    """Forecasts that one core makes in a minute, measured here in processor time; two significant digits."""
    rows = np.arange(_TIMED_ROWS) % len(test)
    done, started = 0, time.process_time()
    while (seconds := time.process_time() - started) < _TIMED_S:
        served(specification, network, test.windows[rows], test.minutes[rows])
        done += len(rows)
    return int(float(f"{60 * done / seconds:.2g}"))

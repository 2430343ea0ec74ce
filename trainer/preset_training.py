"""A windowed preset from sessions to a verified bundle: fit, export, calibrate, judge, measure, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from roompulse import window
from roompulse.bundle import HOTSPOT, Bundle, Specification, write_bundle
from roompulse.channels import DEFAULT_CHANNELS
from roompulse.errors import InputError
from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.golden import Golden
from roompulse.model_card import HELDOUT, JUDGED_BY
from roompulse.window import Network, WindowSpecification, golden_minutes, look_ahead, network_inputs, relative, scaled
from trainer.evaluation import loses_to, results
from trainer.packing import metadata
from trainer.preset_evaluation import (
    apply_to,
    fit_figures,
    judge,
    one_step,
    picture,
    residual_quantiles,
    rooms_a_minute,
)
from trainer.preset_network import EpochReport, Fitted, export, fit, network_of
from trainer.preset_report import Told, report_page
from trainer.presets import PresetSettings
from trainer.series import (
    LEAST_OFFLINE_SAMPLES,
    LEAST_SAMPLES,
    Cuts,
    Samples,
    SeriesSession,
    cuts_of,
    fit_scaler,
    samples,
)
from trainer.sessions import describe, hash_of
from trainer.synthetic import synthetic

RING_MINUTES = 60
"""The least length of a room's ring: how far back corrections reach does not hang on the network."""
GOLDEN_WINDOWS = 4
ELU_ROWS = 16
"""See `roompulse.window.padded`."""
LIMITS = (
    "not scale-free: trained on rooms of one size, of little use in rooms of another",
    "intervals are those of the validation part; the scorer's calibration adapts them room by room",
    "costs a whole window a minute; see rooms_a_minute_a_core",
)


@dataclass(frozen=True, slots=True)
class Parts:
    """Samples of the three parts of the time."""

    training: Samples
    validation: Samples
    test: Samples


def train_preset(
    sessions: Sequence[SeriesSession],
    settings: PresetSettings,
    out: Path,
    name: str,
    version: str,
    source: str,
    progress: EpochReport,
) -> tuple[Bundle, dict[str, Any]]:
    """Train on the first 75 % of the time, calibrate on the next 12.5 %, judge on the rest; write the bundle to `out`.

    Returns the bundle and its card. Raises InputError where there is too little history, BundleError where the exported
    network is not what the scorer needs.
    """
    # The hotspot study learns from one series and looks at the others with it.
    others = sessions[1:] if settings.kind == HOTSPOT else []
    sessions = sessions[: len(sessions) - len(others)]
    cuts = cuts_of(sessions, source)
    parts = split(sessions, settings, cuts, source)
    specification = specify(sessions, settings, cuts)
    fitted, model = _fit(settings, specification, parts, progress, name, version, sessions)
    network = network_of(model)
    specification = msgspec.structs.replace(
        specification, residuals=residual_quantiles(specification, network, parts.validation)
    )
    outcome = results(judge(specification, network, parts.test, sessions, cuts))
    data_hash = hash_of([session.counts() for session in sessions])
    fits = {part: one_step(specification, network, getattr(parts, part)) for part in Parts.__dataclass_fields__}
    applied_to = {other.room: apply_to(specification, network, settings, other) for other in others}
    fit_table = {part: fit_figures(*pair) for part, pair in fits.items()}
    card: dict[str, Any] = {
        "preset": settings.preset,
        "data": {"hash": data_hash} | _about(sessions, settings),
        "heldout": {"rule": "the last 12.5 % of the time", "first_minute_since_1970": cuts.test},
        "settings": asdict(settings),
        "training": {"kept_epoch": fitted.kept_epoch, "loss": fitted.losses, "val_loss": fitted.validation_losses},
        "fit_a_minute_ahead": fit_table,
        "applied": applied_to,
        JUDGED_BY: HELDOUT,
        "results": {HELDOUT: outcome},
        "loses": loses_to(outcome),
        "limits": LIMITS,
    }
    told = Told(settings.preset, fit_table | applied_to, outcome["mae"], fitted.losses, fitted.validation_losses)
    page = report_page(told, picture(specification, network, sessions, cuts, clock=settings.kind != HOTSPOT))
    card["rooms_a_minute_a_core"] = rooms_a_minute(specification, network, parts.test)
    bundle = Specification(
        name=name,
        version=version,
        units=0,
        data_hash=data_hash,
        rules={},
        window_minutes=max(RING_MINUTES, settings.window),
        kind=settings.kind,
        features=window.FINGERPRINT,
        window=specification,
    )
    return write_bundle(out, bundle, model, card, golden_of(specification, network), page.encode()), card


def split(sessions: Sequence[SeriesSession], settings: PresetSettings, cuts: Cuts, source: str) -> Parts:
    """The three parts. Raises InputError where one of them is too small."""
    end = 1 << 62
    parts = Parts(
        samples(sessions, settings.window, -end, cuts.validation),
        samples(sessions, settings.window, cuts.validation, cuts.test),
        samples(sessions, settings.window, cuts.test, end),
    )
    for part in ("validation", "test"):
        known = np.sum(~np.isnan(getattr(parts, part).truth), axis=0)
        least = LEAST_OFFLINE_SAMPLES if settings.kind == HOTSPOT else LEAST_SAMPLES
        if known.min() < least:
            raise InputError(
                f"too little history: {known.min()} forecasts to be met in the {part} part, expected {least}",
                file=source,
            )
    return parts


def _about(sessions: Sequence[SeriesSession], settings: PresetSettings) -> dict[str, Any]:
    counts = [session.counts() for session in sessions]
    if settings.kind == HOTSPOT:  # its rows need not be minutes
        return {"series": counts[0].room, "values": int(np.sum(~np.isnan(counts[0].counts)))}
    return describe(counts)


def specify(sessions: Sequence[SeriesSession], settings: PresetSettings, cuts: Cuts) -> WindowSpecification:
    """What the network expects; its residuals are not known yet."""
    center, scale = fit_scaler(sessions, cuts, settings.scaler, settings.fill)
    return WindowSpecification(
        preset=settings.preset,
        minutes=settings.window,
        series=len(center),
        fill="hold" if settings.fill == "hold" else "zero",
        center=center,
        scale=scale,
        direct=settings.direct,
        time_features=settings.time_features,
        residuals=((0.0,) * HORIZONS,) * len(QUANTILES),
        row_multiple=ELU_ROWS if settings.activation == "elu" else 1,
        channels=DEFAULT_CHANNELS.vocabulary if settings.every_series else (),
    )


def _fit(
    settings: PresetSettings,
    specification: WindowSpecification,
    parts: Parts,
    progress: EpochReport,
    name: str,
    version: str,
    sessions: Sequence[SeriesSession],
) -> tuple[Fitted, bytes]:
    pairs = []
    for part in (parts.training, parts.validation):
        targets = part.truth if settings.direct else part.truth[:, :1]
        known = ~np.isnan(targets).any(axis=1)
        inputs = network_inputs(specification, scaled(specification, part.windows[known]), part.minutes[known])
        target = (targets[known] - specification.center[0]) / specification.scale[0]
        pairs.append((inputs, target.astype(np.float32)))
    fitted = fit(settings, pairs[0], pairs[1], progress)
    about = metadata(name, version, hash_of([session.counts() for session in sessions]))
    return fitted, export(fitted.model, pairs[1][0], about | {"features": window.FINGERPRINT})


def golden_of(specification: WindowSpecification, network: Network) -> Golden:
    """A few generated windows, with blanks, one of them of a room that has just begun."""
    rng = np.random.default_rng(20)
    shape = GOLDEN_WINDOWS, specification.minutes, specification.series
    counts = rng.poisson(20.0, shape).astype(np.float64)
    counts[:, :, 0] = synthetic(rng, *shape[:2])
    counts[1, : shape[1] // 2] = np.nan
    counts[2, shape[1] // 3 : shape[1] // 2] = np.nan
    minutes, references = golden_minutes(GOLDEN_WINDOWS), np.linspace(0.5, 3.0, GOLDEN_WINDOWS)
    windows = counts.astype(np.float32)
    inputs = network_inputs(specification, scaled(specification, windows), minutes)
    raw = relative(specification, look_ahead(specification, network, windows, minutes), references)
    return Golden(counts, inputs, references, raw)

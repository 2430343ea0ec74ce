"""A windowed preset from sessions to a verified bundle: fit, export, calibrate, judge, measure, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
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
from trainer.checkpoints import Checkpoints
from trainer.evaluation import loses_to, results
from trainer.packing import metadata
from trainer.preset_evaluation import (
    MOST_JUDGED,
    apply_to,
    fit_figures,
    judge,
    one_step,
    picture,
    residual_quantiles,
)
from trainer.preset_fitting import EpochReport, fit
from trainer.preset_network import export, network_of
from trainer.preset_report import Told, report_page
from trainer.preset_samples import ALWAYS, Examples, Samples, samples
from trainer.presets import PresetSettings
from trainer.series import (
    LEAST_OFFLINE_SAMPLES,
    LEAST_SAMPLES,
    Cuts,
    SeriesSession,
    cuts_of,
    fit_scaler,
    hash_of_series,
)
from trainer.sessions import describe
from trainer.synthetic import synthetic

RING_MINUTES = 60
"""The least length of a room's ring: how far back corrections reach does not hang on the network."""
GOLDEN_WINDOWS = 4
ELU_ROWS = 16
"""See `roompulse.window.padded`."""
LIMITS = (
    "not scale-free: trained on rooms of one size, of little use in rooms of another",
    "intervals are those of the validation part; the scorer's calibration adapts them room by room",
    "costs a whole window a minute; see multiply_adds_a_forecast",
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
    *,
    resume: bool = False,
) -> tuple[Bundle, dict[str, Any]]:
    """Train on the first 75 % of the time, calibrate on the next 12.5 %, judge on the rest; write the bundle to `out`.

    With `resume` training goes on from the last epoch that an interrupted one has saved. Returns the bundle and its
    card. Raises RoomPulseError where there is nothing to resume, InputError where there is too little history,
    BundleError where the exported network is not what the scorer needs.
    """
    # The hotspot study learns from one series and looks at the others with it.
    others = sessions[1:] if settings.kind == HOTSPOT else []
    sessions = sessions[: len(sessions) - len(others)]
    cuts = cuts_of(sessions, source)
    parts = split(sessions, settings, cuts, source)
    specification = specify(sessions, settings, cuts)
    data_hash = hash_of_series(sessions)
    checkpoints = Checkpoints(out.with_name(f".{out.name}.training"))
    checkpoints.begin({"data": data_hash, "settings": asdict(settings)}, resume=resume)
    learnt, checked = (Examples.known(specification, part) for part in (parts.training, parts.validation))
    fitted = fit(settings, learnt, checked, progress, checkpoints)
    about = metadata(name, version, data_hash) | {"features": window.FINGERPRINT}
    model = export(fitted.model, checked.batch(np.arange(min(3, len(checked))))[0], about)
    network = network_of(model)
    specification = msgspec.structs.replace(
        specification, residuals=residual_quantiles(specification, network, parts.validation)
    )
    outcome = results(judge(specification, network, parts.test, sessions, cuts))
    fits = {
        part: one_step(specification, network, getattr(parts, part).evenly(MOST_JUDGED))
        for part in Parts.__dataclass_fields__
    }
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
        "multiply_adds_a_forecast": (work := multiply_adds(settings, specification)),
        "rooms_a_minute_a_core_about": round(60e6 * MULTIPLY_ADDS_A_MICROSECOND / work),
        "limits": LIMITS,
    }
    told = Told(settings.preset, fit_table | applied_to, outcome["mae"], fitted.losses, fitted.validation_losses)
    page = report_page(told, picture(specification, network, sessions, cuts, clock=settings.kind != HOTSPOT))
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
    written = write_bundle(out, bundle, model, card, golden_of(specification, network), page.encode())
    checkpoints.end()
    return written, card


def split(sessions: Sequence[SeriesSession], settings: PresetSettings, cuts: Cuts, source: str) -> Parts:
    """The three parts. Raises InputError where one of them is too small."""
    parts = Parts(
        samples(sessions, settings.window, -ALWAYS, cuts.validation),
        samples(sessions, settings.window, cuts.validation, cuts.test),
        samples(sessions, settings.window, cuts.test, ALWAYS),
    )
    for part in ("validation", "test"):
        known = sum(np.sum(~np.isnan(some.truth()), axis=0) for some in getattr(parts, part).portions())
        least = LEAST_OFFLINE_SAMPLES if settings.kind == HOTSPOT else LEAST_SAMPLES
        if (fewest := int(np.min(known))) < least:
            raise InputError(
                f"too little history: {fewest} forecasts to be met in the {part} part, expected {least}",
                file=source,
            )
    return parts


def _about(sessions: Sequence[SeriesSession], settings: PresetSettings) -> dict[str, Any]:
    if settings.kind == HOTSPOT:  # its rows need not be minutes
        return {"series": sessions[0].room, "values": int(np.sum(~np.isnan(sessions[0].values[:, 0])))}
    return describe([session.counts() for session in sessions])


MULTIPLY_ADDS_A_MICROSECOND = 20_000
"""What one core does on these networks (19,000 to 36,000 on the machine of docs/presets.md). A rate measured while
training would make every bundle another one."""


def multiply_adds(settings: PresetSettings, specification: WindowSpecification) -> int:
    """What a forecast costs whatever the machine: multiplications in the layers, all runs of the network together."""
    widths = [specification.inputs, *settings.units]
    minute = sum(4 * units * (below + units) for below, units in pairwise(widths))
    heads, runs = (HORIZONS, 1) if settings.direct else (1, HORIZONS)
    return runs * (settings.window * minute + heads * widths[-1])


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

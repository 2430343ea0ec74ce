"""Windowed networks behind the port: the same bits in any company, golden vectors, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from roompulse.cli import main
from roompulse.errors import BundleError
from roompulse.rooms import DRIVERS
from scorer.adapters.networks import open_forecaster
from scorer.adapters.onnx_session import open_session
from scorer.adapters.window_forecaster import OnnxWindowForecaster
from scorer.ports import WindowForecaster

pytest.importorskip("onnx", reason="the extra `train` makes the networks of these tests")

from tests.scorer.window_bundles import bundle_at, network, specification

NETWORKS = {
    "univariate-1": (specification(7), (50, 50, 50)),
    "univariate-2": (specification(6, fill="hold", time_features=True), (64, 64, 32)),
    "univariate-2, direct": (specification(9, direct=True), (64, 64, 32)),
    "multivariate": (specification(3, DRIVERS), (256, 128, 128, 64)),
}
"""The layers of the presets on windows that are short, for the sake of the time."""


def windows(
    count: int, minutes: int, series: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """Windows with blanks, local minutes and reference levels."""
    rng = np.random.default_rng(count)
    values = rng.poisson(40, (count, minutes, series)).astype(np.float32)
    values[rng.random((count, minutes)) < 0.1] = np.nan
    return values, 26_000_000 + rng.integers(0, 100_000, count), rng.uniform(0, 5, count)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_row_has_the_same_bits_in_any_company(name: str) -> None:
    """Rows forecast 1 or 7 at a time, in another order, have the bits of all 4,096 at once."""
    sees, units = NETWORKS[name]
    forecaster = OnnxWindowForecaster(open_session(network(sees.inputs, units, 10 if sees.direct else 1)), sees)
    count = 4096 if sees.series == 1 else 600
    rows = windows(count, sees.minutes, sees.series)
    together = forecaster.from_window(*rows)
    assert np.isfinite(together).all()
    for size, tried in ((1, 24), (7, 70)):
        order = np.random.default_rng(size).permutation(count)[:tried]
        for first in range(0, tried, size):
            chosen = order[first : first + size]
            alone = forecaster.from_window(rows[0][chosen], rows[1][chosen], rows[2][chosen])
            assert alone.tobytes() == together[chosen].tobytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_bare_network_gives_the_same_bits_in_one_batch_of_4096(name: str) -> None:
    """The calls of 256 rows are for speed alone: all rows in one call of onnxruntime have the same bits."""
    sees, units = NETWORKS[name]
    forecaster = OnnxWindowForecaster(open_session(network(sees.inputs, units, 10)), sees)
    inputs = np.random.default_rng(0).uniform(-1, 1, (4096, sees.minutes, sees.inputs)).astype(np.float32)
    together = forecaster.network(inputs)
    for first, size in ((0, 1), (100, 7), (3000, 256), (4095, 1)):
        assert forecaster.network(inputs[first : first + size]).tobytes() == together[first : first + size].tobytes()


def test_a_window_bundle_opens_behind_the_port(tmp_path: Path) -> None:
    """It says how far it looks back, forecasts (n, quantiles, horizons), for no rows too."""
    forecaster = open_forecaster(bundle_at(tmp_path / "tiny", specification(12)))
    assert isinstance(forecaster, WindowForecaster)
    assert forecaster.look_back == 12
    for count in (0, 3):
        raw = forecaster.from_window(*windows(count, 12, 1))
        assert raw.shape == (count, 3, 10)
        assert (np.diff(raw, axis=1) > 0).all()


def test_a_window_bundle_whose_golden_outputs_disagree_is_refused(tmp_path: Path) -> None:
    """A difference of a thousandth is enough, as for step networks."""
    with pytest.raises(BundleError, match="golden network outputs come out differently"):
        open_forecaster(bundle_at(tmp_path / "tiny", specification(12), wrong=1e-3))


def test_a_network_of_other_inputs_than_the_bundle_says_is_a_bundle_error(tmp_path: Path) -> None:
    """onnxruntime's complaint about the shape becomes one that names the bundle."""
    bundle = bundle_at(tmp_path / "tiny", specification(12))
    with pytest.raises(BundleError, match="cannot run the network"):
        open_forecaster(dataclasses.replace(bundle, model=network(3, (4,), 1)))


@pytest.mark.parametrize("command", ["backtest", "score"])
def test_a_hotspot_bundle_is_refused_before_anything_is_touched(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 with what can be served instead; no service is asked and no folder is made."""
    bundle_at(tmp_path / "hot", specification(2), kind="hotspot")
    history = tmp_path / "history.csv"
    history.write_text("room_id,minute,watch_ucnt\nr,2024-05-01 10:00,5\n")
    more = [str(history), "--out", str(tmp_path / "out")] if command == "backtest" else []
    assert main([command, *more, "--model", str(tmp_path / "hot")]) == 1
    assert "'hotspot' network is for the offline study" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

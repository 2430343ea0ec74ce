"""`roompulse train --preset`: the reference studies' networks end to end, tiny ones, with an epoch or two."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from roompulse.bundle import Bundle, load_bundle
from roompulse.cli import main
from roompulse.errors import BundleError
from roompulse.rooms import DRIVERS
from scorer.adapters.networks import open_forecaster
from scorer.ports import WindowForecaster
from tests.trainer.presets import TINY, history
from trainer import preset_evaluation, presets
from trainer.presets import PRESETS

UNITS = {"univariate-1": (4,), "univariate-2": (5, 4), "multivariate": (6, 5), "hotspot": (4,)}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A usable history."""
    return history(tmp_path_factory.mktemp("history") / "history.csv")


@pytest.fixture(scope="module")
def trained(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Bundle]:
    """Every preset, made small and trained for two epochs."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        for name, options in TINY.items():
            out = str(folder / name)
            assert main(["train", str(file), "--preset", name, "--epochs", "2", "--out", out, *options, "--json"]) == 0
    return {name: load_bundle(folder / name) for name in TINY}


def small(patch: pytest.MonkeyPatch) -> None:
    """Small layers, no boosted trees to compare with, and no second of measuring."""
    patch.setattr(presets, "PRESETS", {name: replace(PRESETS[name], units=UNITS[name]) for name in PRESETS})
    patch.setattr(preset_evaluation, "_TIMED_S", 0.01)
    rivals = {"persistence": lambda session: np.repeat(np.nan_to_num(session.counts)[:, None], 10, axis=1)}
    patch.setattr(preset_evaluation, "baselines", lambda training: rivals)


def test_presets_are_those_of_the_studies() -> None:
    """Layers, windows, epochs, batches and optimizer as docs/presets.md has them."""
    table = {name: (p.units, p.window, p.epochs, p.batch_size, p.learning_rate) for name, p in PRESETS.items()}
    assert table == {
        "univariate-1": ((50, 50, 50), 100, 30, 32, 1e-3),
        "univariate-2": ((64, 64, 32), 100, 30, 32, 1e-3),
        "multivariate": ((256, 128, 128, 64), 30, 30, 32, 1e-3),
        "hotspot": ((4,), 2, 30, 3, 1e-2),
    }
    assert {(p.scaler, p.fill, p.direct) for p in PRESETS.values()} == {("minmax", "zero", False)}
    assert [name for name, p in PRESETS.items() if p.best and p.dropout and p.every_series] == ["multivariate"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", TINY)
def test_a_preset_becomes_a_bundle_of_fused_lstms(trained: Mapping[str, Bundle], name: str) -> None:
    """One fused LSTM a layer, no loop, a dynamic batch; card, report and what the network expects beside it."""
    bundle = trained[name]
    graph = onnx.load_from_string(bundle.model).graph
    found = Counter(node.op_type for node in graph.node)
    assert found["LSTM"] == len(UNITS[name])
    assert not found.keys() & {"Loop", "Scan"}
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert bundle.specification.kind == ("hotspot" if name == "hotspot" else "window")
    window = bundle.specification.window
    assert window is not None
    assert window.series == (DRIVERS if name == "multivariate" else 1)
    assert (np.diff(window.residuals, axis=0) >= 0).all()
    work, rooms = bundle.card["multiply_adds_a_forecast"], bundle.card["rooms_a_minute_a_core_about"]
    assert rooms * work == pytest.approx(60e6 * 20_000, rel=0.01)
    assert set(bundle.card["fit_a_minute_ahead"]) == {"training", "validation", "test"}
    page = (bundle.folder / "report.html").read_text(encoding="utf-8")
    assert all(f'id="{plot}"' in page for plot in ("loss", "fit", "residuals", "histogram", "next"))
    assert "<script src=" not in page


def test_options_reach_the_bundle(trained: Mapping[str, Bundle]) -> None:
    """Window, scaler, filling, calendar and head are what the flags said."""
    window = trained["univariate-2"].specification.window
    assert window is not None
    assert (window.minutes, window.fill, window.direct, window.time_features) == (10, "hold", True, True)
    assert trained["univariate-2"].card["settings"]["scaler"] == "robust"
    shape = onnx.load_from_string(trained["univariate-2"].model).graph.output[0].type.tensor_type.shape
    assert shape.dim[1].dim_value == 10


def test_the_best_epoch_is_kept_where_the_preset_says_so(trained: Mapping[str, Bundle]) -> None:
    """Least validation loss for multivariate; the last epoch for the others."""
    training = trained["multivariate"].card["training"]
    assert training["kept_epoch"] == np.argmin(training["val_loss"]) + 1
    assert trained["univariate-1"].card["training"]["kept_epoch"] == 2


@pytest.mark.parametrize("name", TINY)
def test_trained_windows_are_served_and_a_hotspot_network_is_not(trained: Mapping[str, Bundle], name: str) -> None:
    """The scorer's port opens univariate and multivariate bundles and refuses the offline one."""
    if name == "hotspot":
        with pytest.raises(BundleError, match="offline"):
            open_forecaster(trained[name])
    else:
        forecaster = open_forecaster(trained[name])
        assert isinstance(forecaster, WindowForecaster)
        assert forecaster.look_back == 10


def test_a_backtest_runs_on_a_trained_window(trained: Mapping[str, Bundle], file: Path, tmp_path: Path) -> None:
    """History through the multivariate network in batches of any size gives the same files."""
    for size in ("7", "5000"):
        model = str(trained["multivariate"].folder)
        assert main(["backtest", str(file), "--model", model, "--max-batch", size, "--out", str(tmp_path / size)]) == 0
    for name in ("forecasts", "alerts", "hotlist"):
        assert (tmp_path / "7" / f"{name}.jsonl").read_bytes() == (tmp_path / "5000" / f"{name}.jsonl").read_bytes()
    first = json.loads((tmp_path / "7" / "forecasts.jsonl").read_bytes().split(b"\n")[0])
    assert first["model"].startswith("multivariate-1+")


def test_the_hotspot_network_is_applied_to_the_other_series(trained: Mapping[str, Bundle]) -> None:
    """Trained on the first series alone; the card has figures for the second one."""
    card = trained["hotspot"].card
    assert card["data"]["series"] == "r0"
    assert card["applied"].keys() == {"r1"}
    assert card["applied"]["r1"]["mae"] > 0


@pytest.mark.timeout(300)
def test_the_same_seed_gives_the_same_bundle(
    trained: Mapping[str, Bundle],
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every file's bytes and so the hash; the measured speed is printed and not on the card."""
    small(monkeypatch)
    out = tmp_path / "again"
    assert main(["train", str(file), "--preset", "hotspot", "--epochs", "2", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rooms_a_minute_a_core"] > 0
    assert load_bundle(out).hash == trained["hotspot"].hash


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--window", "100"], "--window: not an option of the step network"),
        (["--preset", "univariate-1", "--steps", "5"], "--steps: an option of the step network"),
        (["--preset", "hotspot", "--time-features"], "--time-features: a hotspot series"),
    ],
)
def test_options_that_do_not_belong_together_are_wrong_usage(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    """Nothing is ignored in silence: exit code 2 says which option belongs to which network."""
    assert main(["train", str(file), "--out", str(tmp_path / "m"), *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--scaler", "log"], ["--activation", "gelu"], ["--dropout", "1"], ["--window", "0"], ["--preset", "x"]]
)
def test_values_out_of_range_are_wrong_usage(file: Path, tmp_path: Path, options: list[str]) -> None:
    """argparse refuses them before anything is read."""
    with pytest.raises(SystemExit) as exited:
        main(["train", str(file), "--preset", "univariate-1", "--out", str(tmp_path / "m"), *options])
    assert exited.value.code == 2


def test_too_little_history_is_said_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A calibration on a handful of minutes would be a guess."""
    file = history(tmp_path / "short.csv", rooms=1, minutes=60)
    assert main(["train", str(file), "--preset", "univariate-1", "--out", str(tmp_path / "m")]) == 1
    assert "too little history" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()

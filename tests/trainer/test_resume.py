"""A training that was killed goes on from its last saved step and ends in the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roompulse.cli import main
from roompulse.errors import RoomPulseError
from tests.trainer.killed import kill_once_saved, train
from tests.trainer.presets import history
from trainer import fitting
from trainer.batches import batches
from trainer.checkpoints import Checkpoints
from trainer.fitting import TrainingSettings, fit
from trainer.sessions import Session

SETTINGS = TrainingSettings(units=2, members=2, steps=20, batch_size=4)


class Killed(Exception):
    """Stands for SIGKILL: nothing of the process is left but what was saved."""


def sessions() -> list[Session]:
    rng = np.random.default_rng(0)
    return [Session(f"r{room}", 0, rng.poisson(5.0, 40).astype(float)) for room in range(3)]


def kill_at(member: int, step: int):
    def progress(at_member: int, at_step: int, loss: float) -> None:
        if (at_member, at_step) == (member, step):
            raise Killed

    return progress


@pytest.mark.timeout(300)
def test_a_killed_training_ends_in_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in its first member and again in its second: weights and losses are those of an undisturbed run."""
    told: list[tuple[int, int, float]] = []
    undisturbed = fit(sessions(), SETTINGS, lambda *step: told.append(step))
    checkpoints = Checkpoints(tmp_path / "saved", every_steps=10)
    checkpoints.begin({"data": "x"}, resume=False)
    for killed in ((0, 15), (1, 18)):
        with pytest.raises(Killed):
            fit(sessions(), SETTINGS, kill_at(*killed), checkpoints=checkpoints)
        checkpoints.begin({"data": "x"}, resume=True)
    again: list[tuple[int, int, float]] = []
    drawn: list[object] = []

    def counted(*arguments: Any) -> Iterator[Any]:
        for batch in batches(*arguments):
            drawn.append(batch)
            yield batch

    monkeypatch.setattr(fitting, "batches", counted)
    resumed = fit(sessions(), SETTINGS, lambda *step: again.append(step), checkpoints=checkpoints)
    assert again == told
    assert len(drawn) == 10
    for expected, got in zip(undisturbed, resumed, strict=True):
        np.testing.assert_array_equal(expected, got)
    checkpoints.end()
    assert not (tmp_path / "saved").exists()


def test_only_the_same_training_is_resumed(tmp_path: Path) -> None:
    """Nothing saved, or other data or settings: an error that says so, and nothing is lost."""
    checkpoints = Checkpoints(tmp_path / "saved")
    with pytest.raises(RoomPulseError, match="nothing to resume"):
        checkpoints.begin({"data": "x"}, resume=True)
    checkpoints.begin({"data": "x"}, resume=False)
    with pytest.raises(RoomPulseError, match="other data or settings"):
        checkpoints.begin({"data": "y"}, resume=True)
    checkpoints.begin({"data": "x"}, resume=True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("options", "saved"),
    [
        (["--steps", "200", "--members", "1", "--units", "2", "--batch-size", "4"], "member-0.npz"),
        (["--preset", "univariate-1", "--window", "5", "--dropout", "0.2", "--epochs", "8"], "preset.npz"),
    ],
    ids=["step", "univariate-1"],
)
def test_sigkill_changes_no_byte_of_the_bundle(tmp_path: Path, options: list[str], saved: str) -> None:
    """A process killed after its first checkpoint and resumed gives the bundle, hash and all, of an undisturbed one."""
    file = tmp_path / "simulated.csv"
    simulated = ["--rooms", "4", "--minutes", "160", "--continuous", "--out", str(file)]
    assert main(["simulate", *simulated]) == 0
    undisturbed = train([str(file), *options], tmp_path / "undisturbed")
    out = tmp_path / "killed"
    kill_once_saved([str(file), *options], out, saved)
    assert train([str(file), *options, "--resume"], out) == undisturbed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "simulated.csv", "undisturbed"]


def test_a_preset_with_nothing_to_resume_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, before a minute of training."""
    file = history(tmp_path / "history.csv")
    arguments = ["train", str(file), "--preset", "hotspot", "--out", str(tmp_path / "m"), "--resume"]
    assert main(arguments) == 1
    assert "nothing to resume" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_said(tmp_path: Path) -> None:
    """Cut off, emptied or something else: one message that names the file, no traceback."""
    checkpoints = Checkpoints(tmp_path / "saved")
    checkpoints.begin({}, resume=False)
    checkpoints.keep("net", {"epoch": 1}, {"weights": np.arange(1000.0)})
    file = tmp_path / "saved" / "net.npz"
    whole = file.read_bytes()
    for data in (whole[:1000], b"", b"PK", whole[:500] + bytes(100) + whole[600:]):
        file.write_bytes(data)
        with pytest.raises(RoomPulseError, match=r"cannot resume: .*net\.npz is damaged"):
            checkpoints.kept("net")


def test_a_folder_that_cannot_be_made_is_said() -> None:
    """Where a file stands in its way: before anything is trained."""
    with pytest.raises(RoomPulseError, match="cannot be written: Not a directory"):
        Checkpoints(Path("/dev/null/saved")).begin({}, resume=False)

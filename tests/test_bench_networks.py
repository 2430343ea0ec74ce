"""`python -m bench.networks`: the table of what networks cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import networks

pytest.importorskip("onnx", reason="the extra `train` makes the networks of these tests")

from tests.scorer.window_bundles import bundle_at, specification


def test_the_table_has_a_row_for_the_shipped_network_and_each_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Size, times at three batch sizes, and that a network without a direct head runs ten times a forecast."""
    monkeypatch.setattr(networks, "ROUND_S", 0.001)
    bundle_at(tmp_path / "rolled", specification(20))
    bundle_at(tmp_path / "direct", specification(20, direct=True))
    assert networks.main([str(tmp_path / "rolled"), str(tmp_path / "direct"), "--json"]) == 0
    shipped, *windowed = json.loads(capsys.readouterr().out)["networks"]
    assert shipped["network"].startswith("step-")
    assert shipped["times_the_shipped"] == 1
    assert [cost["runs_a_forecast"] for cost in windowed] == [10, 1]
    for cost in (shipped, *windowed):
        assert set(cost["microseconds_a_row"]) == {"1", "32", "1000"}
        assert min(cost["microseconds_a_row"].values()) > 0
        assert cost["kilobytes"] > 0


def test_a_folder_that_holds_no_bundle_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and what is wrong."""
    assert networks.main([str(tmp_path)]) == 1
    assert "not a model bundle" in capsys.readouterr().err

"""`python -m bench.fold`: the fold's cost by stage."""

from __future__ import annotations

import json

import pytest

from bench import fold, fold_rooms


def test_every_event_is_folded_and_every_stage_has_a_cost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twelve rooms made of five over two partitions."""
    monkeypatch.setattr(fold_rooms, "SIMULATED_ROOMS", 5)
    monkeypatch.setattr(fold_rooms, "WARM_MINUTES", 3)
    assert fold.main(["--rooms", "12", "--minutes", "2", "--partitions", "2", "--max-batch", "8", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 0 < result["events"] <= 24
    assert result["records"] >= result["events"]
    assert list(result["by_stage"]) == [*fold.STAGES, fold.REST, fold.SAVED]
    assert min(result["by_stage"].values()) > 0

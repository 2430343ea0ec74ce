"""Fleet events of simulated rooms with the shipped model, by way of the commands."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from roompulse.cli import main

OUTAGE = "60:12:0.4"


def simulated(folder: Path, *options: str) -> str:
    """A file of simulated rooms."""
    file = folder / "rooms.csv"
    labels = folder / "labels.csv"
    assert (
        main(["simulate", "--rooms", "160", "--minutes", "100", "--out", str(file), "--labels", str(labels), *options])
        == 0
    )
    return str(file)


def fleet_of(file: str, out: Path, *options: str) -> dict[int, list[dict[str, Any]]]:
    """The fleet records of a backtest on two partitions, by partition."""
    assert main(["backtest", file, "--out", str(out), "--partitions", "2", *options]) == 0
    found = defaultdict(list)
    for line in (out / "fleet.jsonl").read_text(encoding="utf-8").splitlines():
        found[json.loads(line)["partition"]].append(json.loads(line))
    return found


def test_an_outage_is_one_event_on_each_partition(tmp_path: Path) -> None:
    """From its labelled first minute, told a minute later and resolved soon after it; the same in any batches."""
    file = simulated(tmp_path, "--fleet-move", OUTAGE, "--seed", "5")
    assert ",fleet,2026-01-05T19:00:00+08:00,2026-01-05T19:11:00+08:00,0.4" in (tmp_path / "labels.csv").read_text()
    found = fleet_of(file, tmp_path / "out")
    assert found.keys() == {0, 1}
    for records in found.values():
        opened, *_, resolved = records
        assert [record["event"] for record in records].count("open") == 1
        assert (opened["direction"], opened["opened"], opened["minute"]) == (
            "down", "2026-01-05T19:00:00+08:00", "2026-01-05T19:01:00+08:00",
        )  # fmt: skip
        assert (resolved["event"], resolved["reason"]) == ("resolve", "recovered")
        assert "2026-01-05T19:12:00+08:00" < resolved["minute"] < "2026-01-05T19:20:00+08:00"
    assert fleet_of(file, tmp_path / "small", "--max-batch", "97") == found
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["fleet_events"] == 2


@pytest.mark.parametrize("seed", ["11", "12", "13"])
def test_ordinary_rooms_make_no_event(tmp_path: Path, seed: str) -> None:
    """Rooms with their own surges and slumps, sessions that begin and end."""
    assert fleet_of(simulated(tmp_path, "--seed", seed), tmp_path / "out") == {}


@pytest.mark.parametrize("wrong", ["60:15", "a:b:c", "-1:5:0.5", "3:0:0.5", "3:5:-1"])
def test_a_move_that_makes_no_sense_is_refused(tmp_path: Path, wrong: str) -> None:
    """Wrong usage, before anything is written."""
    assert main(["simulate", f"--fleet-move={wrong}", "--out", str(tmp_path / "rooms.csv")]) == 2
    assert not (tmp_path / "rooms.csv").exists()

"""One room around the least probable surge, drawn from a simulation and its backtest."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from deploy.docs.report_pictures import framed
from trainer.svg import lines

ROOMS = (
    "--rooms=40", "--minutes=180", "--seed=12", "--typical-size=80", "--surges-per-room-hour=0.2", "--continuous",
)  # fmt: skip
"""The rooms of docs/tutorial.md."""
BEFORE_MINUTES, AFTER_MINUTES = 40, 30


def alert_picture() -> str:
    """What came, what was expected of each minute a minute before, and the interval, as SVG."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run("simulate", *ROOMS, f"--out={folder / 'rooms.csv'}")
        _run("backtest", str(folder / "rooms.csv"), f"--out={folder / 'result'}")
        alerts = _records(folder / "result" / "alerts.jsonl")
        forecasts = _records(folder / "result" / "forecasts.jsonl")
        with (folder / "rooms.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    surges = [alert for alert in alerts if alert["kind"] == "surge" and alert["event"] == "open"]
    surge = min(surges, key=lambda alert: float(alert["tail_probability"]))
    room = surge["room_id"]
    came = {row["minute"]: float(row["watch_ucnt"] or math.nan) for row in rows if row["room_id"] == room}
    made = {record["minute"]: record["quantiles"] for record in forecasts if record["room_id"] == room}
    minutes = sorted({row["minute"] for row in rows})
    opened = minutes.index(surge["opened"])
    shown = range(max(opened - BEFORE_MINUTES, 1), min(opened + AFTER_MINUTES, len(minutes)))
    before = [made.get(minutes[at - 1]) for at in shown]
    expected = {
        quantile: np.array([quantiles[quantile][0] if quantiles else math.nan for quantiles in before])
        for quantile in ("0.1", "0.5", "0.9")
    }
    picture = lines(
        [at - opened for at in shown],
        {"came": [came.get(minutes[at], math.nan) for at in shown], "expected": expected["0.5"]},
        (f"minutes from the opening of the surge in {room} on", "people entering"),
        (expected["0.1"], expected["0.9"]),
    )
    return framed(picture.removeprefix("<svg "))


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "roompulse", *arguments], check=True, stdout=subprocess.DEVNULL)


def _records(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

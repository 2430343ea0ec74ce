"""A small run with hostile room ids, scored once for all tests of this folder."""

from __future__ import annotations

import csv
from pathlib import Path

from roompulse.cli import main

HOSTILE = (
    "</script><script>document.documentElement.dataset.broken=1</script>",
    "<img src=x onerror=document.documentElement.dataset.broken=2>",
    "\"'><svg onload=document.documentElement.dataset.broken=3>",
    '<a href="javascript:document.documentElement.dataset.broken=4">直播</a>',
)


def write_history(folder: Path) -> tuple[Path, Path]:
    """A simulation of six rooms over two hours and a half, four of them renamed; and its labels."""
    rooms, labels = folder / "rooms.csv", folder / "labels.csv"
    options = ["--rooms=6", "--minutes=150", "--seed=3", "--continuous", "--surges-per-room-hour=1.2"]
    assert main(["simulate", *options, f"--out={rooms}", f"--labels={labels}", "--typical-size=60"]) == 0
    names = {f"room-{number:05}": name for number, name in enumerate(HOSTILE, 1)}
    for file in (rooms, labels):
        with file.open(encoding="utf-8", newline="") as opened:
            lines = list(csv.DictReader(opened))
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, list(lines[0]))
            writer.writeheader()
            writer.writerows(line | {"room_id": names.get(line["room_id"], line["room_id"])} for line in lines)
    return rooms, labels

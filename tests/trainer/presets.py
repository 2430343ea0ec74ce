"""Histories for windowed presets, and presets that train in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TINY = {
    "univariate-1": ["--window", "10"],
    "univariate-2": ["--window", "10", "--direct", "--scaler", "robust", "--fill", "hold", "--time-features"],
    "multivariate": ["--window", "10"],
    "hotspot": [],
}
"""By preset, what makes it small."""


def history(path: Path, rooms: int = 2, minutes: int = 200) -> Path:
    """A platform-like table with several metrics, channels and a gap of four minutes in each room."""
    rng = np.random.default_rng(0)
    lines = ["room_id,minute,watch_ucnt,comment_cnt,natural,paid"]
    for room in range(rooms):
        counts = rng.poisson(20 + 10 * np.sin(np.arange(minutes) / 9) + 5 * room)
        for minute, count in enumerate(counts.tolist()):
            if not 30 <= minute < 34:
                natural, paid = {"搜索": count // 2, "新渠道": count // 5}, {"其他广告": count // 4}
                time = f"2024-05-01 {10 + minute // 60}:{minute % 60:02d}:00"
                lines.append(f'r{room},{time},{count},{3 * count},"{natural}","{paid}"')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path

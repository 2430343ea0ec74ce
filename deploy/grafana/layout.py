"""Where the panels of a row lie on Grafana's grid of 24 columns."""

from __future__ import annotations

from collections.abc import Sequence

COLUMNS = 24


def places(sizes: Sequence[tuple[int, int]], top: int) -> tuple[list[tuple[int, int]], int]:
    """Positions (x, y) of panels of these sizes (width, height), and the line below them all.

    Each panel in turn goes as high as it can, and there as far to the left: so a tall one may have several beside it.
    """
    filled = [top] * COLUMNS
    found: list[tuple[int, int]] = []
    for width, height in sizes:
        y, x = min((max(filled[x : x + width]), x) for x in range(COLUMNS - width + 1))
        filled[x : x + width] = [y + height] * width
        found.append((x, y))
    return found, max(filled)

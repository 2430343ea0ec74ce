"""How a batch is cut: stretches between what changes the partition, and waves of at most one record a room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scorer.pipeline.decode import CONTROL, Decoded


def stretches(decoded: Decoded, watermark: int | None) -> list[tuple[int, int]]:
    """Cut a batch before each record that moves the watermark or is a control record: (start, end) of each stretch.

    Only the first may begin with neither.
    """
    count = len(decoded.minute)
    if count == 0:
        return []
    before = np.iinfo(np.int64).min if watermark is None else watermark
    highest = np.maximum.accumulate(np.concatenate([[before], decoded.minute]))
    starts = np.flatnonzero((highest[1:] > highest[:-1]) | (decoded.kind == CONTROL)).tolist()
    if not starts or starts[0] != 0:
        starts.insert(0, 0)
    return list(zip(starts, [*starts[1:], count], strict=True))


def waves(place: NDArray[np.int64], start: int) -> list[NDArray[np.int64]]:
    """Rows of a stretch, cut so that each wave has a room at most once and each room's records stay in order.

    `place` (n,) is each row's room, -1 for a record of no room; `start` is the first row's number.
    """
    rows = np.flatnonzero(place >= 0)
    order = rows[np.argsort(place[rows], kind="stable")]
    sorted_places = place[order]
    first = np.concatenate([[True], sorted_places[1:] != sorted_places[:-1]]) if len(order) else np.zeros(0, np.bool_)
    run = np.arange(len(order))
    turn = run - np.maximum.accumulate(np.where(first, run, 0))
    return [start + np.sort(order[turn == number]) for number in range(int(turn.max(initial=-1)) + 1)]

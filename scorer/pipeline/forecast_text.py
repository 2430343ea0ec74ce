"""The quantiles of many forecasts as JSON at once.

Published numbers have four significant digits, so there are few of them: 9,001 for each power of ten. Their texts are
made once, by the very encoder that writes all other records, and then looked up. A number beyond the table, and what
is no number at all, is left to that encoder.
"""

from __future__ import annotations

from functools import cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.records import Quantiles, encode
from scorer.pipeline.serve import from_digits, significant_digits

_LEAST, _MOST = -6, 7
"""Powers of ten of the leading digit that are in the table."""
_FIRST, _LAST = 1000, 10_000
"""The four digits as a whole number; rounding up gives the last."""
_ZERO = _LAST - _FIRST + 1
_WIDTH = 11
_CELLS = len(QUANTILES) * (HORIZONS + 1) + 1


def quantile_texts(quantiles: NDArray[np.float64]) -> list[bytes]:
    """The JSON object of each forecast's `quantiles` (n, 3, 10), numbers as `round4` leaves them."""
    count = len(quantiles)
    digits, power = significant_digits(quantiles)
    inside = (power >= _LEAST) & (power <= _MOST) & (digits <= _LAST)
    place = (power - _LEAST) * (_ZERO + 1) + np.where(digits == 0, _ZERO, digits - _FIRST)
    cells = np.empty((count, _CELLS), f"S{_WIDTH}")
    lists = cells[:, :-1].reshape(count, len(QUANTILES), HORIZONS + 1)
    lists[:, :, 0] = _openings()
    lists[:, :, 1:] = _texts().take(np.where(inside, place, 0).astype(np.int64))
    cells[:, -1] = b"]}\n"
    # Cells are filled up with NUL, and no list begins with a comma.
    characters = cells.view(np.uint8).reshape(count, _CELLS, _WIDTH)
    characters[:, 1 : -1 : HORIZONS + 1, 0] = 0
    lines = cells.tobytes().translate(None, b"\0").split(b"\n")[:count]
    for row in np.flatnonzero(~inside.all(axis=(1, 2))).tolist():
        lines[row] = encode(Quantiles(*quantiles[row].tolist()))
    return lines


def _openings() -> list[bytes]:
    """What stands before each list of numbers."""
    first, *others = [f'"{name}":['.encode() for name in Quantiles.__struct_encode_fields__]
    return [b"{" + first, *(b"]," + other for other in others)]


@cache
def _texts() -> NDArray[np.bytes_]:
    """All numbers of the table with a comma before each: by power of ten, then by digits, then zero."""
    digits = np.append(np.arange(_FIRST, _LAST + 1), 0).astype(np.float64)
    numbers = [from_digits(digits, np.full(len(digits), float(power))) for power in range(_LEAST, _MOST + 1)]
    texts = msgspec.json.encode(np.concatenate(numbers).tolist())[1:-1].split(b",")
    return np.array([b"," + text for text in texts], f"S{_WIDTH}")

"""Public holidays of mainland China, as days off work: an input that windowed networks may be trained with.

From the yearly notices of the State Council, days in lieu included, workdays made up for left out. Beyond the years
listed here no day is a holiday.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

_DAYS_OFF = {
    2018: "0101 0215-0221 0405-0407 0429-0501 0618 0924 1001-1007 1230-1231",
    2019: "0101 0204-0210 0405-0407 0501-0504 0607-0609 0913-0915 1001-1007",
    2020: "0101 0124-0202 0404-0406 0501-0505 0625-0627 1001-1008",
    2021: "0101-0103 0211-0217 0403-0405 0501-0505 0612-0614 0919-0921 1001-1007",
    2022: "0101-0103 0131-0206 0403-0405 0430-0504 0603-0605 0910-0912 1001-1007 1231",
    2023: "0101-0102 0121-0127 0405 0429-0503 0622-0624 0929-1006 1230-1231",
    2024: "0101 0210-0217 0404-0406 0501-0505 0610 0915-0917 1001-1007",
    2025: "0101 0128-0204 0404-0406 0501-0505 0531-0602 1001-1008",
    2026: "0101-0103 0215-0223 0404-0406 0501-0505 0619-0621 0925-0927 1001-1007",
}
_FIRST_DAY = date(1970, 1, 1).toordinal()


def _days_off() -> NDArray[np.int64]:
    days: list[int] = []
    for year, text in _DAYS_OFF.items():
        for span in text.split():
            ends = [date(year, int(end[:2]), int(end[2:])).toordinal() - _FIRST_DAY for end in span.split("-")]
            days.extend(range(ends[0], ends[-1] + 1))
    return np.array(days, np.int64)


DAYS_OFF = _days_off()
"""Days since 1970, sorted."""


def is_holiday(days: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each of these local days since 1970, of any shape, is a public holiday."""
    return np.isin(days, DAYS_OFF)

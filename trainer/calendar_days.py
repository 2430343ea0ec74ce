"""The audience by kind of day and hour: working days, weekends and the public holidays of mainland China."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import chinese_calendar
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from roompulse.records import TARGET

DAY_KINDS = ("working day", "weekend", "public holiday")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST_DAY = date(1970, 1, 1).toordinal()


def day_kind(day: int) -> tuple[str, bool]:
    """The kind of a local day since 1970, and whether the calendar of public holidays knows its year.

    Weekends that are worked to make up for a holiday are working days. In years without a notice of the State Council
    only the weekday counts.
    """
    of = date.fromordinal(_FIRST_DAY + day)
    try:
        off, name = chinese_calendar.get_holiday_detail(of)
    except NotImplementedError:
        return ("weekend" if of.weekday() >= 5 else "working day"), False
    return ("public holiday" if off and name else "weekend" if off else "working day"), True


def profile(minutes: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """Mean of the target a room-minute, by kind of day and by weekday, and by hour of the local day.

    Columns `days`, `hour`, `minutes` (measured ones) and `mean`; what has no measured minute has no row. Also gives the
    years whose public holidays are not known.
    """
    measured = minutes[minutes[TARGET].notna()]
    local = measured["local"].to_numpy()
    days, place = np.unique(local // 1440, return_inverse=True)
    found = [day_kind(int(day)) for day in days]
    unknown = {
        date.fromordinal(_FIRST_DAY + int(day)).year for day, kind in zip(days, found, strict=True) if not kind[1]
    }
    kinds = np.array([DAY_KINDS.index(kind) for kind, _ in found], np.int64)[place]
    hours, counts = local % 1440 // 60, measured[TARGET].to_numpy()
    parts = [_by_hour(kinds, DAY_KINDS, hours, counts), _by_hour((local // 1440 + 3) % 7, WEEKDAYS, hours, counts)]
    return pd.concat(parts, ignore_index=True), sorted(unknown)


def _by_hour(
    index: NDArray[np.int64], names: Iterable[str], hours: NDArray[np.int64], counts: NDArray[np.float64]
) -> pd.DataFrame:
    names = list(names)
    cells = index * 24 + hours
    minutes = np.bincount(cells, minlength=24 * len(names))
    sums = np.bincount(cells, weights=counts, minlength=24 * len(names))
    there = np.flatnonzero(minutes)
    return pd.DataFrame(
        {
            "days": [names[cell // 24] for cell in there],
            "hour": there % 24,
            "minutes": minutes[there],
            "mean": sums[there] / minutes[there],
        }
    )

"""Seasonal decomposition of the audience of all rooms together: trend, what repeats every period, and the rest.

The classical one with moving averages, additive, by statsmodels (Kendall and Stuart 1983, chapter 46). How strong trend
and season are is measured as by Wang, Smith and Hyndman (2006): 1 - var(rest) / var(rest + component), at least 0. A
season that is estimated from few cycles fits mere noise, from two of them fully. So the rest's variance counts the
season's values as estimated (as an adjusted R2 does), and below three cycles no strength is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.tsa.seasonal import seasonal_decompose

from roompulse.records import TARGET

DEFAULT_PERIOD = 1440
MAX_MINUTES = 5_000_000
LEAST_MEASURED = 0.5
"""Where more than this share is missing, a decomposition would be one of the interpolation."""


@dataclass(frozen=True, slots=True)
class Seasons:
    """`table` holds `epoch`, `observed`, `trend`, `seasonal` and `residual`.

    Trend and residual are NaN for half a period at either end.
    """

    period: int
    table: pd.DataFrame
    interpolated: int
    trend_strength: float | None
    seasonal_strength: float | None


def audience_of(minutes: pd.DataFrame) -> pd.Series[float]:
    """The target of all rooms together by minute since 1970; a minute without any measured room is not in it."""
    measured = minutes[minutes[TARGET].notna()]
    return measured.groupby("epoch")[TARGET].sum()


def why_not(audience: pd.Series[float], period: int) -> str | None:
    """Why there is no decomposition with this period; None where there is one."""
    if audience.empty:
        return "the target was never measured"
    length = int(audience.index[-1] - audience.index[0]) + 1
    if length < 2 * period:
        shorter = f"; --period names a shorter one, up to {length // 2:,}" if length >= 4 else ""
        cycles = f"a period of {period:,} minutes needs two full cycles, {2 * period:,} minutes"
        return f"{cycles}; there are {length:,}{shorter}"
    if length > MAX_MINUTES:
        return f"{length:,} minutes are too many, at most {MAX_MINUTES:,} are taken; --start and --end cut them"
    if len(audience) < LEAST_MEASURED * length:
        missing = f"{1 - len(audience) / length:.0%} of the {length:,} minutes are missing"
        return f"{missing}; --fill zero takes them as zero, --start and --end cut"
    return None


def decompose(audience: pd.Series[float], period: int) -> Seasons:
    """Decompose, for a period that `why_not` has nothing against. Missing minutes are interpolated."""
    epochs = np.arange(audience.index[0], audience.index[-1] + 1)
    series = audience.reindex(epochs).interpolate()
    parts = seasonal_decompose(series.to_numpy(), model="additive", period=period)
    table = pd.DataFrame(
        {
            "epoch": epochs,
            "observed": series.to_numpy(),
            "trend": parts.trend,
            "seasonal": parts.seasonal,
            "residual": parts.resid,
        }
    )
    return Seasons(
        period, table, len(epochs) - len(audience), _strength(table, "trend"), _strength(table, "seasonal", period)
    )


def _strength(table: pd.DataFrame, component: str, estimated: int = 0) -> float | None:
    """`estimated` is how many values of the component were made from the series: they fit its noise too."""
    known = table.dropna()
    if len(known) < 2 * estimated:
        return None
    whole = float(np.var(known["residual"] + known[component])) if len(known) else 0.0
    rest = float(np.var(known["residual"])) * len(known) / (len(known) - estimated) if len(known) else 0.0
    return max(0.0, 1 - rest / whole) if whole > 1e-12 else None

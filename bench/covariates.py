"""Do time of day, weekday, holidays, minute of session, other metrics or channels help? With and without, by ablation.

    python -m bench.covariates            a few minutes on one core
    python -m bench.covariates --json     one JSON object on the last line

Ridge and LightGBM on 16 lags, with each group of columns added alone and all of them together, on the same rows. What
is told is the difference in mean absolute error with its paired 95 % interval. Calendar effects are simulated: the real
data spans too few days. Nothing is tuned.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn brings it; no types

from bench.covariate_rows import Rows, Setting, bilibili, columns, douyin, simulated_weeks
from roompulse.errors import RoomPulseError
from roompulse.forecasting import HORIZONS
from trainer.baselines import MOST_ROWS
from trainer.evaluation import SHOWN_HORIZONS, Scored
from trainer.leaderboard import differences

SETTINGS: Mapping[str, Callable[[], Setting]] = {
    "douyin, one room's day": douyin,
    "bilibili, 41 rooms": bilibili,
    "SIMULATED weeks": simulated_weeks,
}
EVERYTHING = "all of them"

Floats = NDArray[np.float64]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.covariates", description="Covariates by ablation.", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="print the tables as one JSON object")
    args = parser.parse_args(argv)
    try:
        found = {name: measure(setting()) for name, setting in SETTINGS.items()}
    except RoomPulseError as error:
        print(f"covariates: {error}", file=sys.stderr)
        return error.exit_code
    for name, outcome in found.items():
        _print(name, outcome)
    if args.json:
        print(json.dumps(found))
    return 0


def measure(setting: Setting) -> dict[str, Any]:
    """By learner and group: errors with and without at +1, +5, +10, and the difference with its interval."""
    rows = setting.rows
    judged = np.any([test for _, test in setting.folds], axis=0)
    shown = np.isin(np.arange(1, HORIZONS + 1), SHOWN_HORIZONS)
    truth = np.where(shown, rows.truth, np.nan)[judged]
    told: dict[str, Any] = {}
    for learner, fit in {"ridge": _ridge, "lightgbm": _lightgbm}.items():
        without = _forecasts(setting, (), fit)[judged]
        errors = {f"+{h}": _short(np.nanmean(np.abs(truth - without)[:, h - 1])) for h in SHOWN_HORIZONS}
        told[learner] = {"without": errors, "with": {}}
        choices = {group: (group,) for group in setting.groups} | {EVERYTHING: setting.groups}
        for group, names in choices.items():
            own = _forecasts(setting, names, fit)[judged]
            scored = Scored(truth, np.stack([own] * 3, axis=1), {}, rows.block[judged], np.zeros(len(own)))
            told[learner]["with"][group] = differences(scored, without)
    return {"rule": setting.rule, "forecasts": len(truth), "drawn": len(np.unique(rows.block[judged]))} | told


def _forecasts(setting: Setting, groups: Sequence[str], fit: Callable[[Floats, Floats, Floats], Any]) -> Floats:
    """Counts (n, 10) at +1, +5 and +10, each by a model that learnt from the other side of its fold; NaN elsewhere."""
    rows, level = setting.rows, setting.rows.lags[:, -1]
    made = np.full(rows.truth.shape, np.nan)
    for horizon in SHOWN_HORIZONS:
        inputs = _inputs(rows, groups, horizon)
        y = np.log1p(rows.truth[:, horizon - 1]) - level
        for training, test in setting.folds:
            learnt = np.flatnonzero(training & ~np.isnan(y))
            if len(learnt) > MOST_ROWS:
                learnt = learnt[np.linspace(0, len(learnt) - 1, MOST_ROWS).astype(np.int64)]
            with threadpool_limits(1):
                model = fit(inputs[learnt], y[learnt], np.exp(0.5 * level[learnt]))
                made[test, horizon - 1] = np.maximum(np.expm1(level[test] + model.predict(inputs[test])), 0.0)
    return made


def _inputs(rows: Rows, groups: Sequence[str], horizon: int) -> Floats:
    return np.column_stack([rows.lags, *(columns(rows, group, horizon) for group in groups)])


def _ridge(inputs: Floats, y: Floats, _: Floats) -> Any:
    return Ridge(alpha=10.0).fit(inputs, y)


def _lightgbm(inputs: Floats, y: Floats, weight: Floats) -> Any:
    """As the leaderboard's, on absolute errors."""
    trees = lightgbm.LGBMRegressor(
        objective="l1", n_estimators=80, num_leaves=15, min_child_samples=40, random_state=0, n_jobs=1,
        deterministic=True, force_row_wise=True, verbose=-1,
    )  # fmt: skip
    return trees.fit(inputs, y, sample_weight=weight).booster_


def _print(name: str, outcome: Mapping[str, Any]) -> None:
    title = f"{name}: {outcome['rule']} ({outcome['drawn']}), {outcome['forecasts']:,} forecasts"
    table = Table("learner", "with", *(f"+{h}" for h in SHOWN_HORIZONS), title=title, title_justify="left")
    for learner in ("ridge", "lightgbm"):
        of = outcome[learner]
        table.add_row(learner, "lags alone", *(f"{error:.4g}" for error in of["without"].values()))
        for group, found in of["with"].items():
            table.add_row("", group, *(_percent(found[f"+{h}"]) for h in SHOWN_HORIZONS))
    Console(width=110).print(table)


def _percent(found: Sequence[float] | None) -> str:
    return "-" if found is None else "{:+.1f} % ({:+.1f} to {:+.1f})".format(*found)


def _short(value: float | np.floating[Any]) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    sys.exit(main())

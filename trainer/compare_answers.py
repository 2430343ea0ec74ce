"""One sentence for each question of the reference studies, written from the rows of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.compare_training import Row

ASKED = {
    "preset": "Which network?",
    "window": "How many minutes should it read?",
    "scaler": "Which scaling?",
    "activation": "Which activation?",
    "dropout": "Does dropout help?",
    "l2": "Does a weight penalty help?",
    "time_features": "Do time of day, weekday and holidays help?",
    "direct": "Ten outputs for ten minutes, instead of one rolled forward?",
    "fill": "What should a blank minute become?",
    "units": "How many units?",
    "learning_rate": "Which learning rate?",
    "batch_size": "Which batch size?",
    "tuning": "Does tuning help?",
    "svm": "Does a support vector machine do better?",
    "forest": "Does a random forest do better?",
    "boosted": "Do boosted trees do better?",
    "stacking": "Does a stacked ensemble do better?",
    "rival": "What has to be beaten?",
}
"""By question, as the table and the answers put it."""
RIVALS = {
    "svr_16": "svm",
    "forest_16": "forest",
    "lightgbm_16": "boosted",
    "boosted_trees_16": "boosted",
    "stacked": "stacking",
}
ENSEMBLE_OF = ("ridge_16", "forest_16", "lightgbm_16")
LEAST_PERCENT = 1.0
"""A smaller difference is none, however sure: another seed would change as much."""

Difference = Callable[[str, str], Sequence[float] | None]
"""Error of one row less that of another in percent of it, with its 95 % interval: difference, low, high."""


def answers(rows: Sequence[Row], base_of: Mapping[str, str], difference: Difference) -> list[str]:
    """A sentence for each question that some row answers. `base_of` says which preset a varied row is a variant of."""
    errors = {row.name: row.mae for row in rows if row.mae is not None}
    of_question: dict[str, list[str]] = {}
    for row in rows:
        if row.name in errors:
            of_question.setdefault(row.question, []).append(row.name)
    networks = {name: errors[name] for name in base_of if name in errors}
    found = []
    if len(plain := [name for name in of_question.get("preset", []) if name in errors]) > 1:
        best = min(plain, key=errors.__getitem__)
        rest = ", ".join(f"{name} {errors[name]:.4g}" for name in sorted(plain, key=errors.__getitem__) if name != best)
        found.append(f"{ASKED['preset']} {best} has the least error, {errors[best]:.4g} a minute; {rest}.")
    for question, names in of_question.items():
        if question in {"preset", "rival", *RIVALS.values()}:
            continue
        for base in dict.fromkeys(base_of[name] for name in names):
            if base in errors:
                own = [name for name in names if base_of[name] == base]
                found.append(f"{ASKED[question]} {_against(errors, base, own, difference)}")
    if networks:
        network = min(networks, key=networks.__getitem__)
        for rival, question in RIVALS.items():
            if rival in errors:
                found.append(f"{ASKED[question]} {_than(errors, rival, network, 'the best network here', difference)}")
    parts = [name for name in ENSEMBLE_OF if name in errors]
    if "stacked" in errors and parts:
        best = min(parts, key=errors.__getitem__)
        found.append(f"Is stacking worth it? {_than(errors, 'stacked', best, 'the best of its parts', difference)}")
    return found


def _against(errors: Mapping[str, float], base: str, names: Sequence[str], difference: Difference) -> str:
    best = min(names, key=errors.__getitem__)
    rest = "".join(f"; {name} {errors[name]:.4g}" for name in names if name != best)
    verdict = _verdict(difference(best, base), "better", "worse")
    return f"{best} {errors[best]:.4g} against {errors[base]:.4g} of {base}: {verdict}{rest}."


def _than(errors: Mapping[str, float], name: str, other: str, what: str, difference: Difference) -> str:
    verdict = _verdict(difference(name, other), "yes", "no")
    return f"{name} {errors[name]:.4g} against {errors[other]:.4g} of {other}, {what}: {verdict}."


def _verdict(found: Sequence[float] | None, less: str, more: str) -> str:
    if found is None:
        return "nothing to measure by"
    percent, low, high = found
    said = less if high < 0 else more if low > 0 else "may be chance"
    if abs(percent) < LEAST_PERCENT:
        said = "no difference to speak of"
    return f"{said} ({percent:+.1f} %, 95 % interval {low:+.1f} to {high:+.1f})"

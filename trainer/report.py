"""`report.html` of the step network: how good it is, against whom, where, and what that looks like."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from roompulse.forecasting import HORIZONS
from roompulse.model_card import NETWORK
from trainer.evaluation import Scored
from trainer.svg import lines, ranges

_COMPARED = ("ridge_16", "lightgbm_16", "median_20", "smoothing_0.2", "persistence")
_EXAMPLES = 2
_LEAST_ROWS = 30
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b2733}"
    "table{border-collapse:collapse;font-size:.85rem;margin:.5rem 0 1.5rem}td,th{padding:.2rem .6rem;"
    "border-bottom:1px solid #d8dee4;text-align:right}td:first-child,th:first-child{text-align:left}"
    "tr.own{font-weight:bold}svg{max-width:100%}figure{margin:1rem 0;break-inside:avoid}"
)


def report_page(title: str, scored: Scored, outcome: Mapping[str, Any]) -> str:
    """One page that needs nothing else. The same arguments give the same bytes."""
    board = outcome["leaderboard"]
    parts = [
        f"<p>{outcome['forecasts']:,} forecasts in {outcome['sessions']:,} sessions that the network had not seen.</p>",
        leaderboard_table(board),
        _figure("Network less rival, mean absolute error over all ten minutes", _differences(board, "mean")),
        _figure("The same, one minute ahead", _differences(board, "+1")),
        _figure("Error by minutes ahead", _by_horizon(scored)),
        _figure("Reliability: share of minutes inside the 10-90 % interval, which should be 80 %", _coverage(scored)),
        "<h2>By size of room and minute of session</h2>",
        places_table(board),
        "<h2>Examples</h2><p>The next minute as forecast a minute before, with its 10-90 % interval.</p>",
        *examples(scored),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{''.join(parts)}</html>\n"
    )


def _figure(caption: str, plot: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{plot}</figure>"


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = "".join(
        f"<tr{' class=own' if row[0] == NETWORK else ''}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    return f"<table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>{cells}</table>"


def leaderboard_table(board: Mapping[str, Any]) -> str:
    """Every forecaster with its measures, the best first."""
    measures = ("+1", "+5", "+10", "mean")
    rows = []
    for name, of in sorted(board["measures"].items(), key=lambda item: item[1]["mean"]["mae"] or 0.0):
        mean = of["mean"]
        shown = [of[measure]["mae"] for measure in measures]
        shown += [mean.get(key) for key in ("rmse", "r2", "mase", "pinball", "coverage_80", "width_80")]
        rows.append([name, *("-" if value is None else f"{value:.4g}" for value in shown)])
    head = ["forecaster", *(f"MAE {measure}" for measure in measures)]
    return _table([*head, "RMSE", "R2", "MASE", "pinball", "coverage", "width"], rows)


def _differences(board: Mapping[str, Any], measure: str) -> str:
    found = {name: of[measure] for name, of in board["network_less_rival"].items() if of[measure] is not None}
    chosen = sorted(found, key=lambda name: -found[name][0])[:10]
    rows = {name: tuple(found[name]) for name in chosen}
    return ranges(
        rows, "percent of the rival's error, with 95 % interval over sessions; below zero the network is better"
    )


def _by_horizon(scored: Scored) -> str:
    own = {NETWORK: scored.quantiles[:, 1]}
    field = own | {name: scored.others[name] for name in _COMPARED if name in scored.others}
    errors = {name: np.nanmean(np.abs(scored.truth - median), axis=0) for name, median in field.items()}
    return lines(np.arange(1, HORIZONS + 1), errors, ("minutes ahead", "mean absolute error"))


def _coverage(scored: Scored) -> str:
    known = np.isfinite(scored.truth)
    inside = (scored.truth >= scored.quantiles[:, 0]) & (scored.truth <= scored.quantiles[:, 2])
    below = scored.truth < scored.quantiles[:, 0]
    shares = {
        "inside": np.where(known, inside, 0).sum(axis=0) / known.sum(axis=0),
        "should be": np.full(HORIZONS, 0.8),
        "below it": np.where(known, below, 0).sum(axis=0) / known.sum(axis=0),
        "should be ": np.full(HORIZONS, 0.1),
    }
    return lines(np.arange(1, HORIZONS + 1), shares, ("minutes ahead", "share"))


def places_table(board: Mapping[str, Any]) -> str:
    """The same by size of room, at a session's first minutes, in bursts and in calm."""
    places = {f"{name.replace('_', ' ')} a minute": of for name, of in board["by_size"].items()}
    places |= {f"minute {minute} of a session": of for minute, of in board.get("at_minute", {}).items()}
    places |= {name: board[name] for name in ("calm", "bursts") if name in board}
    names = [NETWORK, *(name for name in _COMPARED if name in board["measures"])]
    rows = []
    for place, of in places.items():
        shown = [of["mae"].get(name) for name in names]
        shares = [of.get("coverage_80"), of.get("randomised_coverage_80")]
        cells = ["-" if value is None else f"{value:.4g}" for value in shown]
        cells += ["-" if share is None else f"{share:.1%}" for share in shares]
        rows.append([place, f"{of['forecasts']:,}", *cells])
    return _table(["where", "forecasts", *names, "coverage", "randomised"], rows)


def examples(scored: Scored) -> list[str]:
    """The sessions with the smallest and the largest error relative to their mean."""
    relative = {}
    for session in np.unique(scored.session).tolist():
        rows = np.flatnonzero((scored.session == session) & np.isfinite(scored.truth[:, 0]))
        truth = scored.truth[rows, 0]
        if len(rows) >= _LEAST_ROWS and truth.sum() > 0:
            relative[session] = float(np.abs(truth - scored.quantiles[rows, 1, 0]).sum() / truth.sum())
    ordered = sorted(relative, key=lambda session: relative[session])
    chosen = dict.fromkeys(ordered[:_EXAMPLES], "best")
    chosen |= {session: "worst" for session in ordered[-_EXAMPLES:] if session not in chosen}
    plots = []
    for session, which in chosen.items():
        rows = np.flatnonzero((scored.session == session) & np.isfinite(scored.truth[:, 0]))
        low, middle, high = scored.quantiles[rows, :, 0].T
        series = {"actual": scored.truth[rows, 0], "forecast": middle}
        caption = f"One of the {which}: error {relative[session]:.0%} of the session's mean"
        plots.append(_figure(caption, lines(np.arange(len(rows)) + 1, series, ("forecast", "count"), (low, high))))
    return plots

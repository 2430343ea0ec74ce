"""Colours that people with any colour vision can tell apart, and what they mean on the dashboards.

The palette is that of M. Okabe and K. Ito, Color Universal Design, 2008. Green never stands against red, and nothing is
told by a colour alone: thresholds come with a number or a line, states with a word, series with a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SKY = "#56B4E9"
BLUE = "#0072B2"
YELLOW = "#F0E442"
ORANGE = "#E69F00"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#999999"

CALM, WARN, BAD = SKY, ORANGE, VERMILLION

Colours = Mapping[str, str]
"""The colour of each series, by its legend."""
Steps = Sequence[tuple[float | None, str]]
"""Thresholds: from this value on (None: from the bottom) this colour."""
Words = Sequence[tuple[str, str]]
"""What the values 0, 1 and so on mean, and the colour of each."""

ALWAYS_CALM: Steps = ((None, CALM),)
NO_YES: Words = (("no", CALM), ("yes", WARN))
AWAY_THERE: Words = (("away", BAD), ("there", CALM))

KINDS: Colours = {"surge": VERMILLION, "slump": BLUE, "hotspot": ORANGE}
SEVERITIES: Colours = {"info": SKY, "warning": ORANGE, "critical": VERMILLION}
LIFE: Colours = {"open": VERMILLION, "update": ORANGE, "resolve": SKY, "retract": PURPLE}
QUANTILES: Colours = {"median": SKY, "95 %": BLUE, "99 %": VERMILLION, "mean": GREY}
HORIZONS: Colours = {"+1 min": VERMILLION, "+5 min": ORANGE, "+10 min": BLUE}
ROLES: Colours = {"champion": BLUE, "challenger": ORANGE}
FATES: Colours = {
    "events": SKY,
    "forecasts": BLUE,
    "late": ORANGE,
    "corrected": PURPLE,
    "duplicate": GREY,
    "dead letters": VERMILLION,
    "blank minutes": YELLOW,
}


def warn_from(limit: float, bad: float | None = None) -> Steps:
    """Calm below the limit; a warning from it on, and bad from `bad` on."""
    return ((None, CALM), (limit, WARN), *(((bad, BAD),) if bad is not None else ()))


def bad_from(limit: float) -> Steps:
    """Calm below the limit, bad from it on."""
    return ((None, CALM), (limit, BAD))


def bad_below(limit: float, calm: float | None = None) -> Steps:
    """Bad below the limit, calm from it (or from `calm`, with a warning between) on."""
    return ((None, BAD), *(((limit, CALM),) if calm is None else ((limit, WARN), (calm, CALM))))


def calm_within(low: float, high: float) -> Steps:
    """Calm between two limits, a warning outside."""
    return ((None, WARN), (low, CALM), (high, WARN))

"""The same configuration with shorter durations, for a drill that cannot wait for a rule's five minutes.

Works on the text: every duration that Prometheus or Alertmanager would wait for or look back over is divided, nothing
else is touched, so that what runs is the file that is shipped.
"""

from __future__ import annotations

import re

LEAST_WAIT_S = 1.0
LEAST_RANGE_S = 6.0
"""A rate wants several samples, and they come a second apart at best."""

_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_UNIT_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_WAITS = (
    "evaluation_interval", "for", "group_interval", "group_wait", "interval", "keep_firing_for", "repeat_interval",
    "resolve_timeout", "scrape_interval", "scrape_timeout",
)  # fmt: skip
_WAIT = re.compile(
    rf"^(?P<before>[ \t]*(?:- )?(?:{'|'.join(_WAITS)}): *)(?P<wait>{_DURATION})(?= *(?:#.*)?$)", re.MULTILINE
)
_LOOK_BACK = re.compile(rf"(?:\[{_DURATION}(?::(?:{_DURATION})?)?\]|\boffset +{_DURATION}\b)")
_ONE = re.compile(_DURATION)


def hurried(text: str, times: float) -> str:
    """The configuration with its durations divided by `times`.

    Not below a second, nor below six for a range; what is shorter anyway stays.
    """
    if times == 1:
        return text
    text = _WAIT.sub(lambda found: found["before"] + _divided(found["wait"], times, LEAST_WAIT_S), text)
    return _LOOK_BACK.sub(
        lambda found: _ONE.sub(lambda one: _divided(one[0], times, LEAST_RANGE_S), found[0]),
        text,
    )


def _divided(duration: str, times: float, least_s: float) -> str:
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    seconds = sum(int(count) * _UNIT_S[unit] for count, unit in parts)
    return f"{round(min(seconds, max(seconds / times, least_s)) * 1000)}ms"

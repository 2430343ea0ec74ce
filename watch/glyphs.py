"""What the terminal views draw with: signs, colours and sparklines; and other people's text, made harmless."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

KIND_STYLES = {"surge": "bold #e69f00", "slump": "bold #56b4e9", "hotspot": "bold #cc79a7"}
"""Okabe and Ito's colours, told apart with any colour vision (jfly.uni-koeln.de/color); the signs differ too."""
FORECAST_STYLE = "#009e73"
QUIET_STYLE = "dim"

# Control characters drive terminals; directional marks and line separators make a text look like another one.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs that a terminal's encoding can show."""

    signs: dict[str, str]
    bars: str
    gap: str
    divider: str
    rule: str
    dot: str
    ellipsis: str

    def sparkline(self, values: Sequence[float], top: float) -> str:
        """One character a value, from 0 to `top`; NaN leaves a gap."""
        steps = len(self.bars) - 1
        return "".join(
            self.gap if math.isnan(value) else self.bars[min(steps, round(steps * max(value, 0.0) / max(top, 1e-9)))]
            for value in values
        )


UNICODE = Glyphs(
    {"surge": "▲", "slump": "▼", "hotspot": "◆"}, bars="▁▂▃▄▅▆▇█", gap=" ", divider="│", rule="─", dot="·", ellipsis="…"
)
ASCII = Glyphs(
    {"surge": "^", "slump": "v", "hotspot": "*"}, bars="_.:-=+*#", gap=" ", divider="|", rule="-", dot="-", ellipsis="~"
)


def glyphs_for(encoding: str) -> Glyphs:
    """The signs for a terminal with this encoding."""
    return UNICODE if encoding.lower().replace("-", "").startswith("utf") else ASCII


def plain(text: str) -> str:
    """Text from a record, fit for a terminal: what would control it or mislead its reader becomes U+FFFD."""
    return _UNFIT.sub("\ufffd", text)

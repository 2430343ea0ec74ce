"""What only `roompulse board` is told."""

from __future__ import annotations

from dataclasses import dataclass

from roompulse.setting_values import parse_port
from roompulse.settings import setting
from watch.notify.settings import parse_age

DEFAULT_PORT = 9180


def _age(text: str) -> str:
    parse_age(text)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSettings:
    """Where the page is served, and how far back the board reads at its start."""

    board_host: str = setting(
        "127.0.0.1", "address on which the board is served; 0.0.0.0 shows it to the network, unencrypted", flag="--host"
    )
    board_port: int = setting(DEFAULT_PORT, "port of the board; 0 takes a free one", parse_port, flag="--port")
    history: str = setting("1h", "begin with what was written so long ago (90s, 15m, 2h, 1d)", _age)

    @property
    def history_s(self) -> float:
        """The same in seconds."""
        return parse_age(self.history)

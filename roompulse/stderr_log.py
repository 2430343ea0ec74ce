"""Where a process's log goes, and in which of two forms: a line to read, or a JSON object.

What is logged may hold words of anybody: a room's name, a broker's answer. Whatever could steer a terminal or break a
line is escaped, and the password of a URL is hidden, in both forms alike.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

HUMAN, JSON = FORMATS = ("human", "json")

_PASSWORD = re.compile(r"(://[^\s:/@]*:)\S+@|([?&]password=)[^&\s]+")


def log_to_stderr(level: str, form: str = HUMAN) -> None:
    """Send this process's log to standard error, one line each."""
    stream = logging.StreamHandler()
    stream.setFormatter(_JsonLines() if form == JSON else _HumanLines())
    logging.basicConfig(level=level.upper(), handlers=[stream])


def fields(**named: Any) -> dict[str, Any]:
    """For `extra=`: what a line says, as values. In JSON each is a key of its own; a line to read goes without them."""
    return {"fields": named}


class _HumanLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the library's name
        record.message = _printable(_without_passwords(record.message))
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        lines = _without_passwords(super().formatException(ei)).split("\n")
        return "\n".join(map(_printable, lines))


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        # Whatever a line brings along, the four above are what they say they are.
        said = getattr(record, "fields", {}) | said
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return _printable(json.dumps(_plain(said), ensure_ascii=False, separators=(",", ":")))


def _plain(value: Any) -> Any:
    """As JSON can say it: null where a number is none, numpy's numbers as Python's, no passwords."""
    if isinstance(value, str):
        return _without_passwords(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | None) else str(value)


def _without_passwords(text: str) -> str:
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)


def _printable(text: str) -> str:
    r"""Control characters, line ends and what turns the direction of writing become \uXXXX: an escape in JSON too."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)

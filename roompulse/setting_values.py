"""Text of a flag or variable to a setting's value. Each raises ValueError, saying what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable


def parse_positive(text: str) -> int:
    """A whole number from 1 up."""
    if not re.fullmatch(r"0*[1-9]\d{0,17}", text, re.ASCII):
        raise ValueError("expected a whole number from 1 up")
    return int(text)


def parse_port(text: str) -> int:
    """A port, or 0 for any free one."""
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or int(text) > 65_535:
        raise ValueError("expected a port from 0 (any free one) to 65535")
    return int(text)


def parse_servers(text: str) -> str:
    """Brokers as host:port, separated by commas."""
    for server in filter(None, map(str.strip, text.split(","))):
        # A name, an address or an IPv6 address in brackets; the port may be left out, it is 9092 then.
        found = re.fullmatch(r"(?:[^\s:/@\[\]]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?", server, re.ASCII)
        if found is None or int(found[1] or 1) not in range(1, 65_536):
            raise ValueError("expected host:port, separated by commas")
    return text


def parse_web_address(text: str) -> str:
    """An address of the web, or nothing."""
    # With a user or a password in it, every list of processes would show them.
    if text and not re.fullmatch(r"https?://[^\s:/@?#]+(:\d{1,5})?(/[^\s@?#]*)?", text, re.ASCII):
        raise ValueError("expected http://host:port or https://host:port")
    return text


def _above_zero(most: float, expected: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value <= most:
            raise ValueError(f"expected {expected}")
        return value

    return parse


parse_seconds = _above_zero(999_999.0, "a number above 0 and below a million")
parse_budget = _above_zero(1440.0, "alerts per room-day, above 0 and up to 1440")


def parse_hashes(text: str) -> str:
    """The beginnings of bundles' hashes, separated by commas."""
    for part in filter(None, map(str.strip, text.split(","))):
        if not re.fullmatch(r"[0-9a-f]{8,64}", part, re.ASCII):
            raise ValueError("expected hashes of bundles, 8 to 64 digits of each, separated by commas")
    return text


def parse_share(text: str) -> float:
    """A share from 0 to 1."""
    return 0.0 if text.strip() == "0" else _above_zero(1.0, "a share from 0 to 1")(text)


def parse_seconds_or_never(text: str) -> float:
    """Seconds, or 0."""
    return 0.0 if text.strip() == "0" else parse_seconds(text)


def parse_flag(text: str) -> bool:
    """True or false in the usual words."""
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in known:
        raise ValueError("expected true or false")
    return known[text.lower()]


def one_of(*allowed: str) -> Callable[[str], str]:
    """One of these words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return text

    return parse


def parse_prefix(text: str) -> str:
    """The beginning of a name in Kafka or Redis."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,128}", text):
        raise ValueError("expected letters, digits, dot, underscore or hyphen")
    return text

"""A process's log: the same words for people and for programs, and nothing in them that harms either."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from roompulse.errors import UsageError
from roompulse.settings import load_settings
from roompulse.stderr_log import fields, log_to_stderr

Written = Callable[[str], io.StringIO]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """Sets the log up in a form, as a process of its own would, and gives what standard error got."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    error = io.StringIO()

    def set_up(form: str) -> io.StringIO:
        root.handlers.clear()
        monkeypatch.setattr(sys, "stderr", error)
        log_to_stderr("debug", form)
        return error

    yield set_up
    root.handlers[:], root.level = before, level


def objects(error: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in error.getvalue().splitlines()]


def test_a_json_line_has_when_who_what_and_the_values(written: Written) -> None:
    """One object a line: time in UTC as RFC 3339, level, logger, message, and each value under its own key."""
    error = written("json")
    logging.getLogger("roompulse.scorer").info("%d rooms", 3, extra=fields(partition=7, rooms=np.int64(3), s=[0.5]))
    (line,) = objects(error)
    time = line.pop("time")
    assert time.endswith("Z")
    assert abs(datetime.fromisoformat(time) - datetime.now(UTC)) < timedelta(minutes=1)
    said = {"level": "info", "logger": "roompulse.scorer", "message": "3 rooms", "partition": 7, "rooms": 3, "s": [0.5]}
    assert line == said


def test_a_line_to_read_is_as_it_ever_was(written: Written) -> None:
    """Time of day, level, words; the values stay out."""
    error = written("human")
    logging.getLogger("roompulse.scorer").warning("partition %d: 直播", 7, extra=fields(partition=7))
    time, rest = error.getvalue().split(" ", 1)
    assert re.fullmatch(r"\d\d:\d\d:\d\d", time)
    assert rest == "WARNING partition 7: 直播\n"


@pytest.mark.parametrize("form", ["human", "json"])
@pytest.mark.parametrize("sign", ["\x1b[2J", "\n", "\r", "\x9b2J", "\u202e", "\u2028", "\ud800", "\x00", "\x7f"])
def test_nobodys_words_steer_the_terminal_or_break_the_line(written: Written, form: str, sign: str) -> None:
    """Control characters arrive escaped, in message, values and errors; JSON gives back what was meant."""
    error = written(form)
    try:
        raise ValueError(f"boom {sign}")
    except ValueError:
        logging.getLogger("x").exception("room %s", f"a{sign}b", extra=fields(room=f"c{sign}d"))
    lines = error.getvalue().split("\n")
    assert all(line.isprintable() for line in lines)
    assert len(lines) == 2 or form == "human"
    if form == "json":
        (line,) = objects(error)
        assert (line["message"], line["room"]) == (f"room a{sign}b", f"c{sign}d")
        assert f"boom {sign}" in line["error"]


@pytest.mark.parametrize("form", ["human", "json"])
@pytest.mark.parametrize(
    "url",
    [
        "redis://ops:s3cr@tw0rd@redis:6379/0",
        "rediss://:s3cr/tw0rd@redis:6379/0",
        "redis://redis/0?db=1&password=s3crtw0rd",
    ],
)
def test_no_password_is_logged(written: Written, form: str, url: str) -> None:
    """Wherever in a line a URL stands, its password does not."""
    error = written(form)
    try:
        raise OSError(f"cannot reach {url}")
    except OSError:
        logging.getLogger("x").exception("trying %s again", url, extra=fields(url=url, all=[{"url": url}]))
    said = error.getvalue()
    assert "***" in said
    assert "redis" in said
    assert not any(piece in said for piece in ("s3cr", "tw0rd"))


def test_json_knows_no_number_that_is_none(written: Written) -> None:
    """NaN and infinity become null: the line stays one that every reader takes."""
    error = written("json")
    logging.getLogger("x").info("", extra=fields(a=float("nan"), b={"c": np.float64("inf")}, time="forged"))
    assert "NaN" not in error.getvalue()
    (line,) = objects(error)
    assert (line["a"], line["b"]) == (None, {"c": None})
    assert line["time"] != "forged"


def test_the_form_is_a_setting() -> None:
    """By flag or variable; a form that does not exist is refused with the two that do."""
    assert load_settings(Namespace(), {}).log_format == "human"
    assert load_settings(Namespace(), {"ROOMPULSE_LOG_FORMAT": "json"}).log_format == "json"
    with pytest.raises(UsageError, match="--log-format: got 'xml': expected one of human, json"):
        load_settings(Namespace(log_format="xml"), {})

"""What notify's log says of a target that does not answer."""

from __future__ import annotations

import logging

import pytest

from watch.notify.standing import Standing


def test_what_lasts_is_said_now_and_then_with_what_was_left_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line in half a minute, with the number of those that it stands for; a new trouble counts anew."""
    now = [1000.0]
    monkeypatch.setattr("watch.notify.standing.time.monotonic", lambda: now[0])
    caplog.set_level(logging.INFO, "roompulse.notify")
    standing = Standing("webhook")
    for _ in range(31):
        standing.trouble("webhook", "no route")
        now[0] += 1.0
    standing.trouble("webhook", "no route")
    standing.well("webhook")
    standing.trouble("webhook", "refused")
    said = [record.__dict__["fields"] for record in caplog.records]
    assert [line.get("left_out") for line in said] == [0, 29, None, 0]
    assert {line["target"] for line in said} == {"webhook"}
    assert said[-1]["reason"] == "refused"

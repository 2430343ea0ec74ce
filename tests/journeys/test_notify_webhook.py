"""`roompulse notify` between a real Kafka and a webhook that is not always well."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roompulse.local_server import free_port
from tests.require import ROOT
from tests.services.kafka import Kafka
from tests.watch.notify.live import Notify, Receiver, Written, eventually
from tests.watch.notify.records import alert_of, fleet_of, this_minute

SECRET = b"a secret of thirty-two bytes, no"


@pytest.fixture
def written(kafka: Kafka) -> Iterator[Written]:
    """Topics of the test's own."""
    written = Written(kafka.address)
    yield written
    written.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The webhook."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """The secret, with the line end that editors put behind it."""
    path = tmp_path / "secret"
    path.write_bytes(SECRET + b"\n")
    return path


def verified(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """The event, by the code that docs/notify.md gives to receivers."""
    page = (ROOT / "docs" / "notify.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    space: dict[str, Any] = {}
    exec(code, space)
    found: dict[str, Any] = space["verified"](headers, body, SECRET)
    return found


def test_every_event_arrives_signed_and_in_order(
    written: Written, receiver: Receiver, secret_file: Path, tmp_path: Path
) -> None:
    """Whatever the webhook answers, and while Alertmanager is away; what comes again has the same id."""
    now = this_minute()
    receiver.answers = [(503, {"Retry-After": "1"}), (429, {}), (500, {})]
    nobody = f"http://127.0.0.1:{free_port()}"
    webhook = ("--webhook-url", receiver.url, "--webhook-secret-file", str(secret_file), "--alertmanager-url", nobody)
    rooms = ["直播间", "b", "c\n"]
    with Notify(written, tmp_path / "1", *webhook) as notify:
        written.write(alert_of("of 2019", opened_s=1_575_245_520))
        for event in ("open", "update"):
            written.write(*(alert_of(room, event, opened_s=now) for room in rooms))
        written.write(fleet_of("open", partition=1, opened_s=now), partition=1)
        eventually(lambda: len(receiver.requests) >= 10, notify)
        eventually(lambda: written.committed(notify.group("webhook")) >= 7, notify)
        assert written.committed(notify.group("alertmanager")) == 0
        posts = notify.metric("roompulse_notify_posts_total")
        assert (posts["ok", "webhook"], posts["failed", "webhook"]) == (7, 3)
        assert posts["failed", "alertmanager"] >= 1
        assert notify.metric("roompulse_notify_dropped_total")["old",] == 1
        assert SECRET.decode() not in notify.log
        notify.kill()
    receiver.refuse = b'"room_id":"b"'
    written.write(*(alert_of(room, "resolve", opened_s=now) for room in rooms))
    with Notify(written, tmp_path / "2", *webhook) as notify:
        eventually(lambda: len(receiver.requests) >= 13, notify)
        eventually(lambda: notify.metric("roompulse_notify_dropped_total")["refused",] == 1, notify)
        assert "the webhook refuses event" in notify.log

    events = [verified(headers, body) for _, headers, body in receiver.requests]
    for room in rooms:
        seen = [event["type"] for event in events if event["data"].get("room_id") == room]
        once = [kind for at, kind in enumerate(seen) if kind not in seen[:at]]
        assert once == ["roompulse.alert.open", "roompulse.alert.update", "roompulse.alert.resolve"]
    assert len({event["id"] for event in events}) == 10
    assert {event["subject"] for event in events} == {"直播间", "b", "c\ufffd", "partition 1"}
    assert {path for path, _, _ in receiver.requests} == {"/hook"}


def test_a_script_can_wait_for_the_end(written: Written, receiver: Receiver, secret_file: Path, tmp_path: Path) -> None:
    """`--exit-at-end` posts what was there, prints its summary, and fails in one line where nobody answers."""
    written.write(alert_of("a", opened_s=this_minute()))
    secret = ("--webhook-secret-file", str(secret_file), "--exit-at-end")
    with Notify(written, tmp_path / "1", "--webhook-url", receiver.url, *secret) as notify:
        summary = notify.ended()
    assert {name: summary[name] for name in ("posts", "failed", "dropped")} == {"posts": 1, "failed": 0, "dropped": 0}
    assert len(receiver.requests) == 1
    nobody = f"http://127.0.0.1:{free_port()}"
    arguments = ("--alertmanager-url", nobody, "--exit-at-end", "--connect-timeout-s", "1")
    with Notify(written, tmp_path / "2", *arguments) as notify:
        assert notify.process.wait(20) == 1
        assert "roompulse notify: ConnectionRefusedError" in notify.log.splitlines()[-1]
        assert "Traceback" not in notify.log


def test_missing_topics_are_a_clear_error(kafka: Kafka) -> None:
    """One line that names the topic and what makes it; exit code 1."""
    done = subprocess.run(
        [sys.executable, "-m", "roompulse", "notify", "--alertmanager-url", "http://127.0.0.1:1", "--metrics-port", "0",
         "--bootstrap-servers", kafka.address, "--topic-prefix", "nobody.made."],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "roompulse notify: topic nobody.made.live.room.alerts does not exist (`roompulse topics create` makes it)\n"
    )

"""Backoff, HTTP, settings, watchdog, Alertmanager's configuration: the small parts of notify."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from roompulse import cli
from roompulse.local_server import free_port
from tests.require import ROOT, require
from tests.watch.notify.live import Receiver
from tests.watch.notify.records import alert_of, fleet_of, told
from watch.notify.backoff import LONGEST_ASKED_S, MOST_S, Backoff
from watch.notify.http_target import HttpTarget, TargetAway
from watch.notify.metrics import NotifyMetrics
from watch.notify.posting import Posting, annotations_of, labels_of
from watch.notify.watchdog import LOOK_S, MISSING_S, Watchdog

CONFIG = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that answers as it is told."""
    receiver = Receiver()
    yield receiver
    receiver.close()


def wait_of(backoff: Backoff, asked_s: float = 0.0) -> float:
    """How long the next try has to wait after one more failure at time 0."""
    backoff.failed(0.0, asked_s)
    return next(s / 100 for s in range(100_000) if backoff.ready(s / 100))


def test_waits_double_up_to_a_bound_and_vary() -> None:
    """Half of each wait is certain, the other half is chance; what a server asks for is the least, within reason."""
    longest = Backoff(lambda: 1.0)
    assert [wait_of(longest) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, MOST_S, MOST_S]
    shortest = Backoff(lambda: 0.0)
    assert [wait_of(shortest) for _ in range(3)] == [0.25, 0.5, 1.0]
    assert wait_of(shortest, 100.0) == 100.0
    assert wait_of(shortest, 1e9) == LONGEST_ASKED_S
    shortest.worked()
    assert wait_of(shortest) == 0.25


def test_a_connection_is_kept_and_made_anew(receiver: Receiver) -> None:
    """A server that closed an idle connection costs nothing but a new one."""
    target = HttpTarget(receiver.url + "/")
    assert target.post("", b"one", {"webhook-id": "1"}).accepted
    assert target._connection.sock is not None
    target._connection.sock.close()
    assert target.post("", b"two", {}).accepted
    assert [(path, body) for path, _, body in receiver.requests] == [("/hook", b"one"), ("/hook", b"two")]
    target.close()


@pytest.mark.parametrize(
    ("status", "accepted", "again"),
    [(200, True, False), (204, True, False), (302, False, False), (400, False, False), (404, False, False),
     (408, False, True), (429, False, True), (500, False, True), (503, False, True)],
)  # fmt: skip
def test_what_an_answer_means(receiver: Receiver, status: int, accepted: bool, again: bool) -> None:
    """Accepted, worth a retry, or neither; a redirect is not followed."""
    receiver.answers = [(status, {"Location": receiver.url})]
    answer = HttpTarget(receiver.url).post("", b"", {})
    assert (answer.accepted, answer.worth_a_retry) == (accepted, again)
    assert len(receiver.requests) == 1


def test_retry_after_is_a_number_or_a_date(receiver: Receiver) -> None:
    """Anything else counts as nothing."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    receiver.answers = [(503, {"Retry-After": text}) for text in ("7", later, "soon", "-1", "Sat, 99 Xyz")]
    target = HttpTarget(receiver.url)
    asked = [target.post("", b"", {}).retry_after_s for _ in range(5)]
    assert (asked[0], asked[2:]) == (7.0, [0.0, 0.0, 0.0])
    assert 90 < asked[1] <= 100


def test_nobody_there_is_told_as_such() -> None:
    """One exception for everything that may pass."""
    with pytest.raises(TargetAway, match="ConnectionRefusedError"):
        HttpTarget(f"http://127.0.0.1:{free_port()}").get("/")


def test_the_watchdog_waits_and_then_tells_until_it_is_back() -> None:
    """A restart of Prometheus is no news; what another process told is held up, and ended."""
    there = Posting(frozenset({("alertname", "Watchdog")}), {}, 0, 0)
    watchdog = Watchdog()
    assert [watchdog.is_due(now) for now in (0.0, LOOK_S - 1, LOOK_S)] == [True, False, True]
    assert watchdog.look([there], 1000.0) is None
    assert watchdog.look([], 1000.0 + MISSING_S - 1) is None
    down = watchdog.look([], 1000.0 + MISSING_S)
    assert down is not None
    assert dict(down.labels) | {"alertname": "PrometheusDown", "severity": "page"} == dict(down.labels)
    assert (down.starts_s, down.ends_s) == (1000.0, 1000.0 + MISSING_S + 4 * LOOK_S)
    again = Watchdog().look([down], 2000.0)
    assert again is not None
    assert (again.starts_s, again.labels) == (1000.0, down.labels)
    over = Watchdog().look([down, there], 2000.0)
    assert over is not None
    assert (over.ends_s, over.labels) == (2000.0, down.labels)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("", 2, "nowhere to post to: give --alertmanager-url, --webhook-url or both"),
        ("--alertmanager-url localhost:9093", 2, "--alertmanager-url: got 'localhost:9093': expected http://host"),
        ("--alertmanager-url http://u:hunter2@h", 2, "without a user or password"),
        ("--alertmanager-url http://长", 2, "expected http://host"),
        ("--alertmanager-url http://h:99999", 2, "expected http://host"),
        ("--webhook-url http://h", 2, "--webhook-url needs --webhook-secret-file"),
        ("--alertmanager-url http://h --webhook-secret-file f", 2, "--webhook-secret-file is for --webhook-url"),
        ("--webhook-url http://h --webhook-secret-file f --watchdog", 2, "--watchdog looks into Alertmanager"),
        ("--alertmanager-url http://h --max-age soon", 2, "--max-age: got 'soon': expected so long ago as 90s"),
        ("--alertmanager-url http://h --repeat-s 0", 2, "--repeat-s: got '0': expected a number above 0"),
        ("--webhook-url http://h --webhook-secret-file {short}", 1, "got 7 bytes: expected a secret of 16"),
        ("--webhook-url http://h --webhook-secret-file {missing}", 1, "cannot be read: No such file"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_clear_line(
    arguments: str, code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is connected to; no message holds a secret."""
    (tmp_path / "short").write_text("hunter2\n")
    given = arguments.format(short=tmp_path / "short", missing=tmp_path / "missing").split()
    assert cli.main(["notify", *given]) == code
    message = capsys.readouterr().err
    assert says in message
    assert message.count("\n") == 1
    assert "hunter2" not in message


@pytest.mark.parametrize("uncommented", [False, True])
def test_alertmanagers_configuration_is_valid(uncommented: bool, tmp_path: Path) -> None:
    """As it is, and with every example in it uncommented; there is no secret in it."""
    amtool = shutil.which("amtool")
    require("amtool", amtool is not None, "apt-get install prometheus-alertmanager")
    text = CONFIG.read_text(encoding="utf-8")
    examples = re.sub(r"^( *)#(?=[^# ])", r"\1", text, flags=re.MULTILINE)
    assert examples != text
    path = tmp_path / "alertmanager.yml"
    path.write_text(examples if uncommented else text, encoding="utf-8")
    done = subprocess.run([str(amtool), "check-config", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hooks.slack.com" not in text


def test_the_page_names_every_metric_reason_and_label() -> None:
    """docs/notify.md and the code say the same."""
    page = (ROOT / "docs" / "notify.md").read_text(encoding="utf-8")
    for metric in NotifyMetrics(["webhook"]).registry.collect():
        named = metric.name + ("_total" if metric.type == "counter" else "")
        assert f"`{named}" in page
        for sample in metric.samples:
            assert all(f"`{reason}`" in page or reason in page for reason in sample.labels.values())
    labels = {name for record in (alert_of("a"), fleet_of()) for name, _ in labels_of(told(record), "staging.")}
    table = page.split("| label | value |")[1].split("\n\n")[0]
    assert labels == set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))
    annotations = {name for record in (alert_of("a", "resolve"), fleet_of()) for name in annotations_of(told(record))}
    assert all(f"`{name}`" in page for name in annotations)

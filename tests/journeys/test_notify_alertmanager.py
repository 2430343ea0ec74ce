"""`roompulse notify` between a real Kafka and a real Alertmanager with the committed configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.require import ROOT
from tests.services.alertmanager import Alertmanager
from tests.services.kafka import Kafka
from tests.watch.notify.live import Notify, Receiver, Written, eventually, of_ours
from tests.watch.notify.records import alert_of, fleet_of, this_minute

CONFIG = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
TELLING = """\
route:
  receiver: test
  group_by: [alert_id]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: test
    webhook_configs:
      - url: {url}
        send_resolved: true
"""


@pytest.fixture(scope="module")
def alertmanager() -> Iterator[Alertmanager]:
    """One for all tests: each looks at its own prefix only."""
    with Alertmanager(CONFIG) as server:
        yield server


@pytest.fixture
def written(kafka: Kafka) -> Iterator[Written]:
    """Topics of the test's own."""
    written = Written(kafka.address)
    yield written
    written.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """What people would get."""
    receiver = Receiver()
    yield receiver
    receiver.close()


def shown(alertmanager: Alertmanager, written: Written) -> dict[str, dict[str, Any]]:
    """What Alertmanager shows of this test, by room and severity. Nothing may be shown twice."""
    alerts = of_ours(alertmanager.alerts(), written.prefix)
    assert len({alert["labels"]["alert_id"] for alert in alerts}) == len(alerts), alerts
    return {f"{alert['labels'].get('room_id', 'fleet')} {alert['labels']['severity']}": alert for alert in alerts}


def wait_for(alertmanager: Alertmanager, written: Written, notify: Notify, *expected: str) -> dict[str, dict[str, Any]]:
    """Wait until exactly these are shown."""

    def look() -> tuple[dict[str, dict[str, Any]]] | None:
        found = shown(alertmanager, written)
        return (found,) if found.keys() == set(expected) else None

    return eventually(look, notify)[0]


def told_to_people(receiver: Receiver) -> list[str]:
    """Room and status of each message that Alertmanager sent, in order."""
    messages = [json.loads(body) for _, _, body in receiver.requests]
    return [
        f"{message['groupLabels'] and message['commonLabels']['room_id']} {message['status']}" for message in messages
    ]


def test_an_alerts_life_is_shown(alertmanager: Alertmanager, written: Written, tmp_path: Path) -> None:
    """Opening, update, growth, resolve and retract; one that grows is never shown twice, an aborted one never."""
    now = this_minute()
    with Notify(written, tmp_path, "--alertmanager-url", alertmanager.url) as notify:
        written.write(alert_of("never", opened_s=now), commit=False)
        written.write(alert_of("a", opened_s=now), alert_of("b", opened_s=now))
        first = wait_for(alertmanager, written, notify, "a warning", "b warning")
        assert first["a warning"]["labels"] == {
            "alertname": "RoomSurge", "source": "roompulse", "alert_id": alert_of("a", opened_s=now).alert_id,
            "room_id": "a", "kind": "surge", "severity": "warning", "direction": "up", "partition": "0",
            "topic_prefix": written.prefix,
        }  # fmt: skip
        written.write(alert_of("a", "update", opened_s=now, actual=900))
        eventually(lambda: shown(alertmanager, written)["a warning"]["annotations"]["actual"] == "900", notify)
        written.write(alert_of("a", "update", severity="critical", opened_s=now, actual=2000))
        wait_for(alertmanager, written, notify, "a critical", "b warning")
        ends = alert_of("a", "resolve", severity="critical", opened_s=now), alert_of("b", "retract", opened_s=now)
        written.write(*ends)
        wait_for(alertmanager, written, notify)
        assert notify.get("/healthz") == notify.get("/readyz") == (200, "ok\n")
        assert notify.metric("roompulse_notify_posts_total")["failed", "alertmanager"] == 0
        assert notify.stop()["dropped"] == 0


def test_a_killed_process_goes_on_and_nobody_is_told_twice(kafka: Kafka, receiver: Receiver, tmp_path: Path) -> None:
    """What stayed open is held up, what ended meanwhile ends, what opened is told; one message for each."""
    config = tmp_path / "telling.yml"
    config.write_text(TELLING.format(url=receiver.url))
    now = this_minute()
    written = Written(kafka.address)
    with Alertmanager(config) as alertmanager:
        arguments = ("--alertmanager-url", alertmanager.url, "--repeat-s", "2")
        with Notify(written, tmp_path / "first", *arguments) as notify:
            written.write(alert_of("stays", opened_s=now), alert_of("ends", opened_s=now), partition=1)
            before = wait_for(alertmanager, written, notify, "stays warning", "ends warning")["stays warning"]
            eventually(lambda: shown(alertmanager, written)["stays warning"]["endsAt"] > before["endsAt"], notify)
            notify.kill()
        written.write(alert_of("ends", "resolve", opened_s=now), alert_of("opens", opened_s=now), partition=1)
        with Notify(written, tmp_path / "second", *arguments) as notify:
            after = wait_for(alertmanager, written, notify, "stays warning", "opens warning")["stays warning"]
            assert (after["startsAt"], after["fingerprint"]) == (before["startsAt"], before["fingerprint"])
            assert after["endsAt"] > before["endsAt"]
            eventually(lambda: len(receiver.requests) >= 4, notify)
            assert notify.metric("roompulse_notify_open_alerts") == {(): 2}
    written.close()
    assert sorted(told_to_people(receiver)) == ["ends firing", "ends resolved", "opens firing", "stays firing"]


def test_of_a_backlog_only_what_is_open_and_young_is_shown(
    alertmanager: Alertmanager, written: Written, tmp_path: Path
) -> None:
    """A replay of old data pages nobody, in a backlog or live; what is shown already is held up however old it is."""
    now = this_minute()
    url = ("--alertmanager-url", alertmanager.url)
    written.write(
        alert_of("of 2019", opened_s=1_575_245_520),
        alert_of("twenty", opened_s=now - 1200),
        alert_of("new", opened_s=now),
    )
    written.write(alert_of("over", opened_s=now), alert_of("over", "resolve", opened_s=now))
    with Notify(written, tmp_path / "1", *url, "--max-age", "1h", "--repeat-s", "5") as notify:
        wait_for(alertmanager, written, notify, "twenty warning", "new warning")
        eventually(lambda: notify.metric("roompulse_notify_dropped_total").get(("old",)) == 1, notify)
        notify.stop()
    written.write(alert_of("five", opened_s=now - 300))
    with Notify(written, tmp_path / "2", *url, "--max-age", "2m", "--repeat-s", "5") as notify:
        written.write(alert_of("live but old", opened_s=now - 3600), alert_of("newer", opened_s=now))
        held = wait_for(alertmanager, written, notify, "twenty warning", "new warning", "newer warning")
        eventually(
            lambda: shown(alertmanager, written)["twenty warning"]["endsAt"] > held["twenty warning"]["endsAt"], notify
        )
        assert notify.metric("roompulse_notify_dropped_total")["old",] == 3
        assert "not posted, old: " in notify.log


def test_an_alertmanager_that_was_away_gets_what_is_open(kafka: Kafka, written: Written, tmp_path: Path) -> None:
    """Nothing is committed while it is away, and what came and went meanwhile is not shown."""
    now = this_minute()
    with (
        Alertmanager(CONFIG) as alertmanager,
        Notify(written, tmp_path, "--alertmanager-url", alertmanager.url, "--repeat-s", "1") as notify,
    ):
        written.write(alert_of("before", opened_s=now))
        wait_for(alertmanager, written, notify, "before warning")
        eventually(lambda: written.committed(notify.group("alertmanager")), notify)
        alertmanager.stop()
        committed = written.committed(notify.group("alertmanager"))
        written.write(alert_of("meanwhile", opened_s=now), alert_of("gone", opened_s=now))
        written.write(alert_of("gone", "resolve", opened_s=now))
        eventually(lambda: notify.metric("roompulse_notify_posts_total")["failed", "alertmanager"] >= 2, notify)
        status, reason = notify.get("/readyz")
        assert (status, notify.get("/healthz")[0]) == (503, 200)
        assert "refused" in reason
        assert written.committed(notify.group("alertmanager")) == committed
        alertmanager.start()
        wait_for(alertmanager, written, notify, "before warning", "meanwhile warning")
        eventually(lambda: notify.get("/readyz") == (200, "ok\n"), notify)
        assert notify.metric("roompulse_notify_dropped_total")["over",] == 1
        eventually(lambda: written.committed(notify.group("alertmanager")) > committed, notify)


def test_a_fleet_event_inhibits_the_alerts_of_its_partition_and_direction(
    alertmanager: Alertmanager, written: Written, tmp_path: Path
) -> None:
    """With the committed configuration; others stay as they are, and a new start knows the event that is open."""
    now = this_minute()

    def muted() -> dict[str, bool]:
        return {key: bool(alert["status"]["inhibitedBy"]) for key, alert in shown(alertmanager, written).items()}

    slumps = [alert_of(room, kind="slump", opened_s=now) for room in ("here", "there")]
    with Notify(written, tmp_path / "1", "--alertmanager-url", alertmanager.url) as notify:
        written.write(slumps[0], alert_of("rising", opened_s=now), fleet_of("open", partition=0, opened_s=now))
        written.write(slumps[1], partition=1)
        inhibited = {"here warning": True, "rising warning": False, "there warning": False, "fleet warning": False}
        eventually(lambda: muted() == inhibited, notify)
        notify.stop()
    with Notify(written, tmp_path / "2", "--alertmanager-url", alertmanager.url) as notify:
        before = shown(alertmanager, written)["fleet warning"]["endsAt"]
        eventually(lambda: shown(alertmanager, written)["fleet warning"]["endsAt"] != before, notify)
        written.write(fleet_of("resolve", partition=0, opened_s=now))
        eventually(lambda: muted() == {"here warning": False, "rising warning": False, "there warning": False}, notify)


def test_rooms_may_be_named_anything(alertmanager: Alertmanager, written: Written, tmp_path: Path) -> None:
    """Names arrive as they are, and what no scorer wrote is left out without holding up the rest."""
    now = this_minute()
    names = [
        "\"quoted' \\back",
        "line\nbreak\t\x07",
        "长" * 256,
        "直播间 🎥",
        "{{ .Labels }}",
        "a=b,c",
        " ",
        "\u202eabc",
    ]
    with Notify(written, tmp_path, "--alertmanager-url", alertmanager.url) as notify:
        written.write_raw(b"{", b"null", b"\xff\xfe", b'{"alert_id":"x"}', b'{"room_id":"\\ud800"}')
        written.write(*(alert_of(name, opened_s=now) for name in names))
        found = wait_for(alertmanager, written, notify, *(f"{name} warning" for name in names))
        assert {alert["labels"]["room_id"] for alert in found.values()} == set(names)
        assert notify.metric("roompulse_notify_dropped_total")["unreadable",] == 5
        assert notify.metric("roompulse_notify_dropped_total")["refused",] == 0


def test_another_member_takes_over(alertmanager: Alertmanager, written: Written, tmp_path: Path) -> None:
    """Two share the partitions; the one that is left has them all, and shows what comes on each."""
    now = this_minute()
    url = ("--alertmanager-url", alertmanager.url)
    with Notify(written, tmp_path / "1", *url) as first, Notify(written, tmp_path / "2", *url) as second:
        eventually(lambda: first.get("/readyz")[0] == second.get("/readyz")[0] == 200, first)
        for partition in (0, 1):
            written.write(alert_of(f"p{partition}", opened_s=now), partition=partition)
        wait_for(alertmanager, written, second, "p0 warning", "p1 warning")
        first.kill()
        for partition in (0, 1):
            written.write(
                alert_of(f"p{partition}", "resolve", opened_s=now), alert_of(f"q{partition}", opened_s=now),
                partition=partition,
            )  # fmt: skip
        wait_for(alertmanager, written, second, "q0 warning", "q1 warning")

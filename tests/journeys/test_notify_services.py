"""What `roompulse notify` makes of services that come and go, and what people are told by the committed routes."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import yaml

from tests.require import ROOT
from tests.services.alertmanager import Alertmanager
from tests.services.kafka import Kafka
from tests.watch.notify.live import Notify, Receiver, Written, eventually, of_ours
from tests.watch.notify.records import alert_of, fleet_of, this_minute

CONFIG = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"


def in_a_hurry(path: Path, url: str) -> Path:
    """The committed configuration, each receiver a webhook, and seconds in place of minutes."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    for route in [config["route"], *config["route"]["routes"]]:
        slow = route["receiver"] == "rooms" and route["group_by"] == ["alertname", "topic_prefix"]
        route |= {"group_wait": "3s" if slow else "0s", "group_interval": "1s"}
    for receiver in config["receivers"]:
        receiver["webhook_configs"] = [{"url": f"{url}/{receiver['name']}", "send_resolved": True}]
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def told_to(receiver: Receiver, name: str) -> list[tuple[str, str, str]]:
    """Name, room and status of every alert in every message to one receiver, without repetitions, in order."""
    found: list[tuple[str, str, str]] = []
    for path, _, body in list(receiver.requests):
        if path.endswith(f"/{name}"):
            alerts: list[dict[str, Any]] = json.loads(body)["alerts"]
            rows = [(a["labels"]["alertname"], a["labels"].get("room_id", ""), a["status"]) for a in alerts]
            found += [row for row in rows if row not in found]
    return found


def test_people_are_told_once_and_of_causes_first(kafka: Kafka, tmp_path: Path) -> None:
    """An alert that grows pages without being called recovered; a fleet event silences its rooms' alerts."""
    now = this_minute()
    written, receiver = Written(kafka.address), Receiver()
    with (
        Alertmanager(in_a_hurry(tmp_path / "alertmanager.yml", receiver.url)) as alertmanager,
        Notify(written, tmp_path, "--alertmanager-url", alertmanager.url) as notify,
    ):
        written.write(alert_of("grows", opened_s=now))
        eventually(lambda: told_to(receiver, "rooms"), notify)
        written.write(alert_of("grows", "update", severity="critical", opened_s=now))
        written.write(fleet_of(opened_s=now))
        eventually(lambda: ("FleetMove", "", "firing") in told_to(receiver, "rooms"), notify)
        written.write(*(alert_of(f"slump {n}", kind="slump", opened_s=now) for n in range(5)))
        eventually(lambda: told_to(receiver, "rooms-page"), notify)
        time.sleep(4)  # the route's wait: what is not told by then was held back
        written.write(alert_of("grows", "resolve", severity="critical", opened_s=now))
        eventually(lambda: len(told_to(receiver, "rooms-page")) == 2, notify)
    written.close()
    receiver.close()
    assert told_to(receiver, "rooms-page") == [("RoomSurge", "grows", "firing"), ("RoomSurge", "grows", "resolved")]
    assert told_to(receiver, "rooms") == [("RoomSurge", "grows", "firing"), ("FleetMove", "", "firing")]
    assert told_to(receiver, "nobody") == []


def test_a_kafka_that_is_away_and_a_process_that_froze_lose_nothing(kafka: Kafka, tmp_path: Path) -> None:
    """What is open is posted on without Kafka; afterwards all is as the topics say."""
    now = this_minute()
    written = Written(kafka.address)
    with Alertmanager(CONFIG) as alertmanager:

        def rooms() -> set[str]:
            return {alert["labels"]["room_id"] for alert in of_ours(alertmanager.alerts(), written.prefix)}

        def rooms_as_the_scorer_goes_on() -> set[str]:
            """A broker that slept through its session may leave a commit without its marker: the next one shows it."""
            written.write(alert_of("new", "update", opened_s=now))
            return rooms()

        arguments = ("--alertmanager-url", alertmanager.url, "--repeat-s", "3")
        with Notify(written, tmp_path, *arguments) as notify:
            written.write(alert_of("stays", opened_s=now), alert_of("ends", opened_s=now))
            eventually(lambda: rooms() == {"stays", "ends"}, notify)
            kafka.freeze()
            try:
                eventually(lambda: notify.get("/readyz")[0] == 503, notify)
                assert rooms() == {"stays", "ends"}
            finally:
                kafka.thaw()
            written.write(alert_of("ends", "resolve", opened_s=now), alert_of("new", opened_s=now))
            eventually(lambda: rooms_as_the_scorer_goes_on() == {"stays", "new"}, notify)
            notify.process.send_signal(signal.SIGSTOP)
            written.write(alert_of("stays", "resolve", opened_s=now), alert_of("newer", opened_s=now))
            time.sleep(3)  # the group puts out a member that is silent for two seconds
            notify.process.send_signal(signal.SIGCONT)
            eventually(lambda: rooms() == {"new", "newer"}, notify)
            # What it reads again after its sleep may be over by then; nothing else may have been left out.
            page = notify.get("/metrics")[1]
            dropped = dict(re.findall(r'^roompulse_notify_dropped_total\{reason="(\w+)"\} (\S+)$', page, re.MULTILINE))
            assert {reason for reason, count in dropped.items() if float(count)} <= {"over"}
            assert {"old", "stale", "refused", "unreadable"} <= dropped.keys()
            notify.stop()
    written.close()

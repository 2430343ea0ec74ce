"""docs/examples/print_alerts.py does what the page about it says, on a real Kafka and a real scorer's records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from queue import Queue
from typing import IO

from kafka import KafkaConsumer, TopicPartition

from tests.journeys.good_rooms import write_history
from tests.journeys.live import Live
from tests.require import ROOT
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

PAGE = ROOT / "docs" / "how-to" / "consume-alerts.md"
EXAMPLE = ROOT / "docs" / "examples" / "print_alerts.py"
WAIT_S = 45
HALF = "2024-05-01 11:04"
"""Rooms surge and slump from 11:00 to 11:09."""


def printed(live: Live, count: int) -> list[str]:
    """The next so many lines of a new process, which is stopped once it has committed them."""
    environment = os.environ | {"BOOTSTRAP_SERVERS": live.bootstrap, "TOPIC": live.topics.alerts}
    queue: Queue[str] = Queue()
    with subprocess.Popen([sys.executable, str(EXAMPLE)], stdout=subprocess.PIPE, text=True, env=environment) as reader:
        stdout = reader.stdout
        assert stdout is not None
        threading.Thread(target=lambda: pass_on(stdout, queue), daemon=True).start()
        try:
            lines = [queue.get(timeout=WAIT_S) for _ in range(count)]
            wait_until_committed(live)
        finally:
            reader.send_signal(signal.SIGINT)  # as Ctrl-C would: it leaves its group, and the next one need not wait
    return lines + [queue.get() for _ in range(queue.qsize())]


def pass_on(lines: IO[str], queue: Queue[str]) -> None:
    """Until the writer closes its end."""
    for line in lines:
        queue.put(line.rstrip("\n"))


def wait_until_committed(live: Live) -> None:
    """Until the example's group has committed the topic's last record."""
    last = live.records(live.topics.alerts)[0][-1].offset
    consumer = KafkaConsumer(bootstrap_servers=live.bootstrap, group_id="print-alerts", enable_auto_commit=False)
    try:
        deadline = time.monotonic() + WAIT_S
        while (consumer.committed(TopicPartition(live.topics.alerts, 0)) or 0) <= last:
            assert time.monotonic() < deadline, "nothing was committed"
            time.sleep(0.1)
    finally:
        consumer.close()


def told(live: Live) -> list[str]:
    """A line for each record of the topic, as the example prints it."""
    alerts = [json.loads(value or b"") for _, value in live.read(live.topics.alerts)[0]]
    return [f"{alert['event']} {alert['alert_id']} {alert['severity']} {alert['text']}" for alert in alerts]


def test_the_example_is_what_the_page_shows() -> None:
    """The whole file, and twenty lines, comments included, as it is said elsewhere."""
    example = EXAMPLE.read_text(encoding="utf-8")
    assert f"```python\n{example}```" in PAGE.read_text(encoding="utf-8")
    assert len(example.splitlines()) <= 20


def test_the_example_prints_every_alert_once(kafka: Kafka, redis_server: RedisServer, tmp_path: Path) -> None:
    """What a scorer wrote of surging and slumping rooms; started again, it prints only what has come since."""
    live = Live(kafka.address, redis_server.url, f"t{uuid.uuid4().hex[:8]}.")
    write_history(tmp_path / "h.csv")
    live.create_topics(1)
    live.produce(str(tmp_path / "h.csv"), "--end", HALF, "--no-clock")
    live.score_to_end()
    first = told(live)
    assert {line.split()[0] for line in first} == {"open", "update"}
    assert printed(live, len(first)) == first
    live.produce(str(tmp_path / "h.csv"), "--start", HALF)
    live.score_to_end()
    rest = told(live)[len(first) :]
    assert "resolve" in {line.split()[0] for line in rest}
    assert printed(live, len(rest)) == rest

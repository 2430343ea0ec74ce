"""A real scorer's log as JSON, beside a trace of each batch that nobody takes."""

from __future__ import annotations

import json
import subprocess
import uuid

from roompulse.embedded import EmbeddedBroker, EmbeddedValkey
from roompulse.local_server import LOOPBACK, free_port
from tests.journeys.live import TIMEOUT_S, Live
from tests.require import shared_data


def test_every_line_of_a_run_is_an_object_that_leads_to_its_alerts(
    embedded_broker: EmbeddedBroker, valkey: EmbeddedValkey
) -> None:
    """At debug the whole log parses, the batches' ids are those on the topic, and a dead collector changes nothing."""
    live = Live(embedded_broker.address, valkey.url, f"t{uuid.uuid4().hex[:8]}.")
    live.create_topics(1)
    live.produce(str(shared_data("douyin_predict", "predict.csv")))
    dead = f"http://{LOOPBACK}:{free_port()}"
    command = live.score_command(
        "--exit-at-end", "--log-level", "debug", "--log-format", "json", "--otlp-endpoint", dead
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    ready = next(line for line in lines if line["message"].startswith("ready in "))
    assert ready["bootstrap_servers"] == live.bootstrap
    named = [
        (event, alert_id)
        for line in lines
        for event, ids in line.get("alert_ids", {}).items()
        for alert_id in ids
        if event in {"open", "resolve"}
    ]
    alerts = [json.loads(value or b"") for _, value in live.read(live.topics.alerts)[0]]
    written = [(alert["event"], alert["alert_id"]) for alert in alerts if alert["event"] in {"open", "resolve"}]
    assert written
    assert set(named) <= set(written)
    assert len(named) == len(set(named))
    batches = [line for line in lines if line["message"].startswith("committed ")]
    assert batches[-1]["offsets"].keys() == {"0"}
    assert sum(line["alerts"].get("open", 0) for line in batches) == sum(event == "open" for event, _ in written)
    assert any("traces cannot be sent" in line["message"] for line in lines)

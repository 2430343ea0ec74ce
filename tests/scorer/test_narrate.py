"""What the loop's log says: a line for each batch at debug, warnings that do not repeat without end, alerts by id."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

import numpy as np
import pytest

from roompulse.topics import Topics
from scorer import happenings as told
from scorer import said_alerts
from scorer.narrate import Narrator
from scorer.pipeline.partition import Tally
from tests.scorer.loops import Process, filled


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time as the narrator sees it; a test moves it."""
    now = [1000.0]
    monkeypatch.setattr("scorer.narrate.time.monotonic", lambda: now[0])
    return now


def values(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = record.__dict__["fields"]
    return found


def narrated(happenings: list[told.Happening], caplog: pytest.LogCaptureFixture, level: int) -> list[logging.LogRecord]:
    caplog.set_level(level, "roompulse.scorer")
    narrator = Narrator()
    for happening in happenings:
        narrator(happening)
    return caplog.records


def test_each_batch_is_one_line_with_the_ids_of_its_alerts(caplog: pytest.LogCaptureFixture) -> None:
    """The lines of a whole run name every alert that was written, by what became of it, and every offset."""
    process = Process(filled()).run()
    records = narrated(list(process.of(told.Committed)), caplog, logging.DEBUG)
    assert len(records) == len(process.of(told.Committed))
    named: Counter[tuple[str, str]] = Counter()
    for record in records:
        line = values(record)
        assert line["partitions"] == sorted(line["offsets"])
        assert line["rooms"].keys() == line["offsets"].keys()
        assert record.getMessage().startswith(f"committed {line['messages']} messages, ")
        for event, ids in line["alert_ids"].items():
            assert line["alerts"][event] == len(ids)
            named.update((event, alert_id) for alert_id in ids)
            assert all(alert_id in record.getMessage() for alert_id in ids)
    written = [
        json.loads(output.value or b"")
        for (topic, _), outputs in process.topic.outputs.items()
        for output in outputs
        if topic == Topics().alerts
    ]
    assert {"open", "resolve"} <= {alert["event"] for alert in written}
    assert named == Counter((alert["event"], alert["alert_id"]) for alert in written)
    last = {partition: offset for record in records for partition, offset in values(record)["offsets"].items()}
    assert last == process.topic.committed


def test_a_line_has_an_end_whatever_happens(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many alerts some ids and the whole count are said."""
    monkeypatch.setattr(said_alerts, "MOST", 1)
    (record,) = [
        record
        for record in narrated(
            list(Process(filled(), max_batch=10_000).run().of(told.Committed)), caplog, logging.DEBUG
        )
        if values(record)["alerts"].get("open", 0) > 1
    ]
    assert [len(ids) for ids in values(record)["alert_ids"].values()] == [1] * len(values(record)["alert_ids"])
    assert f"open {values(record)['alerts']['open']}: {values(record)['alert_ids']['open'][0]}, ..." in record.message


def test_no_record_is_read_for_a_line_that_nobody_wants(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At info a batch costs nothing: ids are not even looked for."""
    monkeypatch.setattr("scorer.narrate.said_alerts", lambda batches: pytest.fail("looked for ids"))
    assert not narrated(list(Process(filled()).run().of(told.Committed)), caplog, logging.INFO)


def test_what_repeats_is_said_now_and_then_with_what_was_left_out(
    caplog: pytest.LogCaptureFixture, clock: list[float]
) -> None:
    """A server that is away for long is one line in ten seconds; each says how many it stands for."""
    caplog.set_level(logging.INFO, "roompulse.scorer")
    narrator = Narrator()
    for _ in range(25):
        narrator(told.BrokerAway("no route"))
        narrator(told.SaveDelayed("refused", 12))
        clock[0] += 1.0
    broker = [record for record in caplog.records if "Kafka" in record.getMessage()]
    assert [values(record)["left_out"] for record in broker] == [0, 9, 9]
    assert broker[0].getMessage() == "Kafka does not answer, trying again: no route"
    assert (
        broker[1].getMessage() == "Kafka does not answer, trying again: no route (9 like it since the last such line)"
    )
    saves = [values(record) for record in caplog.records if "checkpoint delayed" in record.getMessage()]
    assert [line["rooms"] for line in saves] == [12, 12, 12]


@pytest.mark.parametrize(
    ("happening", "level", "text", "named"),
    [
        (told.Live(3, 99), "INFO", "partition 3: live from offset 99", {"partition": 3, "offset": 99}),
        (told.Lost(3), "INFO", "partition 3: given up to another scorer", {"partition": 3}),
        (
            told.Recovered(3, 5, 9, 70, rebuilt=False, exact=True),
            "INFO",
            "partition 3: 70 rooms from the checkpoint at offset 5, live from 9",
            {"partition": 3, "rooms": 70, "offset": 5, "live_from": 9},
        ),
        (
            told.Recovered(3, 5, 9, 0, rebuilt=True, exact=False),
            "WARNING",
            (
                "partition 3: no checkpoint to continue from; rebuilding approximately: the topic no longer holds the "
                "beginning, from offset 5 to 9"
            ),
            {"rebuilt": True, "exact": False},
        ),
        (
            told.Aborted("fenced 100 %d"),
            "WARNING",
            "transaction aborted, its messages are read again: fenced 100 %d",
            {},
        ),
        (told.Reading(paused=True), "WARNING", "reading pauses until Redis is back", {"paused": True}),
        (told.Halted(3, "no model"), "WARNING", "partition 3: stands still: no model", {"reason": "no model"}),
        (told.Halted(3, ""), "WARNING", "partition 3: goes on, its model is here", {"partition": 3}),
    ],
)
def test_what_an_operator_has_to_know_is_said_with_its_values(
    happening: told.Happening, level: str, text: str, named: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The words for people, and beside them the numbers for programs."""
    (record,) = narrated([happening], caplog, logging.INFO)
    assert (record.levelname, record.getMessage()) == (level, text)
    assert values(record).items() >= named.items()


def test_a_batch_that_nobody_gave_details_of_is_a_line_too(caplog: pytest.LogCaptureFixture) -> None:
    """A batch without alerts says so."""
    (record,) = narrated([told.Committed(Tally(), 5, {"fold": 0.0012}, np.zeros(1))], caplog, logging.DEBUG)
    assert record.getMessage() == "committed 5 messages, 0 alert records; fold 1.2 ms"

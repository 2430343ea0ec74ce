"""Control records through the loop: crashes, models that are not here, trials in the shadow, quiet partitions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roompulse.errors import BrokerError, ModelMissing
from roompulse.overrides import Override, Overrides
from scorer import happenings as told
from scorer.adapters.memory_checkpoint import MemoryStore
from scorer.adapters.memory_log import MemoryTopic
from scorer.narrate import Narrator
from scorer.ports import Output
from tests.scorer.fakes import TOPICS, UNITS, Event, Lab, context_of, control, promotion, text
from tests.scorer.loops import (
    CONTEXT,
    PARTITIONS,
    Crash,
    Hook,
    Process,
    failing,
    fill,
    never,
    record_fields,
    stream,
    watermark_of,
)

SECOND = context_of(memory=0.2, model="5" * 64)
WIDER = context_of(memory=0.3, model="6" * 64, units=UNITS + 2, window=70)
MODELS = {context.model: context for context in (SECOND, WIDER)}
SETTINGS = control("settings", settings={"category": {}, "room": {"b": {"kinds": []}}})


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr("scorer.loop.RETRY_S", 0.0)
    monkeypatch.setattr("scorer.partitions.RETRY_S", 0.0)
    monkeypatch.setattr("scorer.saving.RETRY_S", 0.0)


def controlled() -> MemoryTopic:
    """The stream with a promotion after its first third, to a wider network later, and settings between."""
    topic = MemoryTopic(PARTITIONS)
    for first, record in ((0, promotion(SECOND.model, spread_minutes=3)), (6, SETTINGS), (12, promotion(WIDER.model))):
        fill(topic, [event for event in stream() if _minute(event) in range(first, first + 6)])
        tell(topic, record)
    fill(topic, [event for event in stream() if _minute(event) >= 18], end=54)
    return topic


def _minute(event: Event) -> int:
    """The minute of a stream's record; what has none comes with the first."""
    try:
        return int(json.loads(event.value or b"")["minute"][14:16])
    except (ValueError, KeyError):
        return 0


def tell(topic: MemoryTopic, record: Event) -> None:
    """A control record for each partition."""
    for partition in range(PARTITIONS):
        topic.append(partition, *record_fields(record))


def expected(topic: MemoryTopic) -> dict[tuple[str, int], list[Output]]:
    """What the fold alone makes of it."""
    outputs: dict[tuple[str, int], list[Output]] = {}
    for partition, messages in enumerate(topic.messages):
        lab = Lab(CONTEXT, partition)
        for context in MODELS.values():
            lab.fold.know(context)
        lab.send([Event(message.key, message.value, message.headers, message.timestamp_ms) for message in messages])
        for output in lab.all:
            outputs.setdefault((output.topic, output.partition), []).append(output)
    return outputs


@pytest.mark.parametrize("max_batch", [1, 9, 10_000])
def test_models_and_settings_change_at_the_same_place_in_every_batch(max_batch: int) -> None:
    """The loop writes what the fold makes, and the checkpoint holds the rooms of the widest network."""
    topic = controlled()
    process = Process(topic, max_batch=max_batch, models=MODELS).run()
    assert dict(topic.outputs) == expected(topic)
    forecasts = [json.loads(output.value or b"")["model"] for output in topic.take_outputs(TOPICS.forecasts)]
    assert set(forecasts) == {"fake-1", SECOND.writer.model, WIDER.writer.model}
    standing = process.loop._mine.standing()
    assert {following.champion for following in standing.follows.values()} == {WIDER.writer.model}


@pytest.mark.parametrize("crash", range(1, 16, 2))
@pytest.mark.parametrize("method", ["commit", "save"])
def test_a_crash_on_the_way_between_models_changes_no_byte(method: str, crash: int) -> None:
    """Killed after any commit or save and started again, with rooms of two networks or just widened."""
    topic, store = controlled(), MemoryStore()
    reference = expected(topic)
    process = Process(topic, store, failing(method, "after", Crash(), crash), models=MODELS, max_batch=7)
    try:
        process.run()
    except Crash:
        process.gone()
        Process(topic, store, models=MODELS, max_batch=5).run()
    assert dict(topic.outputs) == reference


def test_a_partition_waits_for_its_model_and_the_others_go_on() -> None:
    """It is folded up to the control record, says what it lacks, and goes on once the bundle is here."""
    topic = MemoryTopic(PARTITIONS)
    records = stream()
    fill(topic, [record for record in records if _minute(record) < 10])
    topic.append(0, *record_fields(promotion(SECOND.model)))
    fill(topic, [record for record in records if _minute(record) >= 10], end=54)
    reference = expected(topic)
    models: dict[str, Any] = {}
    process = Process(topic, exit_at_end=False, models=models)
    loop = process.loop
    for _ in range(30):
        loop.turn()
    behind = loop._mine.standing().behind
    assert (behind[1], behind[0] > 0) == (0, True)
    reasons = {halted.reason for halted in process.of(told.Halted)}
    assert reasons == {f"model {SECOND.model} is not here"}
    models[SECOND.model] = SECOND
    for _ in range(30):
        loop.turn()
    assert process.of(told.Halted)[-1] == told.Halted(0, "")
    assert dict(topic.outputs) == reference


def test_a_partition_that_is_taken_over_waits_for_its_model_too() -> None:
    """A new process without the bundle claims nothing live; given it, it goes on from the checkpoint."""
    topic, store = controlled(), MemoryStore()
    reference = expected(topic)
    first = Process(topic, store, failing("commit", "after", Crash(), 12), models=MODELS, max_batch=5)
    with pytest.raises(Crash):
        first.run()
    first.gone()
    models: dict[str, Any] = {}
    second = Process(topic, store, exit_at_end=False, models=models)
    for _ in range(10):
        second.loop.turn()
    assert second.of(told.Halted)
    models |= MODELS
    for _ in range(60):
        second.loop.turn()
    assert dict(topic.outputs) == reference


def test_what_was_promoted_outlives_a_lost_state() -> None:
    """Another layout, and a topic that no longer holds the promotion: what is rebuilt follows what held before."""
    topic, store = controlled(), MemoryStore()
    Process(topic, store, models=MODELS).run()
    for partition, stored in store.partitions.items():
        stored.head = stored.head.replace(b'"layout":"', b'"layout":"x')
        topic.forget(partition, topic.end(partition) - 1)
    fill(topic, stream(first=60, minutes=3))
    topic.outputs.clear()
    process = Process(topic, store, models=MODELS).run()
    assert {recovered.exact for recovered in process.of(told.Recovered)} == {False}
    labels = {json.loads(output.value or b"")["model"] for output in topic.take_outputs(TOPICS.forecasts)}
    assert labels == {WIDER.writer.model}
    rooms = process.loop._mine[0].fold.head.follows.settings.room
    assert rooms["b"].kinds == ()


def test_a_model_that_is_lost_for_good_can_be_passed_over() -> None:
    """Told to, a scorer goes on as if the record were not there; any part of the hash from its beginning will do."""
    topic = MemoryTopic(PARTITIONS)
    fill(topic, [event for event in stream() if _minute(event) < 10])
    tell(topic, promotion("9" * 64))
    fill(topic, [event for event in stream() if _minute(event) >= 10], end=54)
    process = Process(topic, ignored=("9" * 8,)).run()
    passed = [step.tally.controls.get(("model", "unchanged"), 0) for step in process.of(told.Committed)]
    assert sum(passed) == PARTITIONS
    labels = {json.loads(output.value or b"")["model"] for output in topic.take_outputs(TOPICS.forecasts)}
    assert labels == {"fake-1"}


def test_a_run_to_the_end_does_not_wait_for_a_model() -> None:
    """A script would wait for ever: it ends with the reason instead."""
    with pytest.raises(ModelMissing, match="is not here"):
        Process(controlled()).run()


def test_a_challenger_is_tried_in_the_shadow_and_changes_no_byte() -> None:
    """Both roles are judged over the same rooms; the trial ends when it is told to."""
    topic, plain = MemoryTopic(PARTITIONS), MemoryTopic(PARTITIONS)
    for each in (topic, plain):
        tell(each, control("challenger", hash=SECOND.model, label="five"))
        fill(each, stream(), end=54)
    process = Process(topic, models=MODELS, shadow_share=1.0).run()
    Process(plain).run()
    assert dict(topic.outputs) == dict(plain.outputs)
    shadowed = process.of(told.Shadowed)
    judged = {role: sum(step.tallies[role].judged[0, 0] for step in shadowed) for role in ("champion", "challenger")}
    errors = {role: sum(step.tallies[role].judged[0, 1] for step in shadowed) for role in ("champion", "challenger")}
    assert judged["champion"] == judged["challenger"] > 30
    assert errors["champion"] != errors["challenger"]
    assert process.loop._mine.standing().follows[0].challenger == SECOND.writer.model
    tell(topic, control("challenger", hash=None))
    seen = len(process.of(told.Shadowed))
    fill(topic, stream(first=60, minutes=5))
    after = Process(topic, process.store, models=MODELS, shadow_share=1.0, max_batch=1).run()
    assert len(process.of(told.Shadowed)) == seen
    assert not after.of(told.Shadowed)


def test_a_challenger_that_is_not_here_is_said_and_stops_nothing() -> None:
    """Scoring goes on as if there were none."""
    topic = MemoryTopic(PARTITIONS)
    tell(topic, control("challenger", hash="9" * 64))
    fill(topic, stream(), end=54)
    process = Process(topic, shadow_share=0.5).run()
    assert {missing.reason for missing in process.of(told.ShadowMissing)} == {f"model {'9' * 64} is not here"}
    assert sum(batch.tally.events for batch in process.of(told.Committed)) > 0


class Quiet:
    """A loop whose clock is moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, hook: Hook = never) -> None:
        self.now = 0.0
        monkeypatch.setattr("scorer.quiet.time.monotonic", lambda: self.now)
        self.topic = MemoryTopic(PARTITIONS)
        self.process = Process(self.topic, hook=hook, exit_at_end=False, quiet_clock_s=120.0)

    def turns(self, seconds: float = 0.0) -> list[str]:
        """Let time pass and the loop turn; returns the minutes of the clock records that were written."""
        self.now += seconds
        for _ in range(6):
            self.process.loop.turn()
        written = self.topic.take_outputs(TOPICS.minutes)
        for output in written:  # a broker would put them at the end of the topic
            self.topic.append(output.partition, output.key, output.value, output.headers)
        for _ in range(6):
            self.process.loop.turn()
        return [json.loads(output.value or b"")["minute"] for output in written]


def test_a_partition_that_is_quiet_for_long_gets_one_clock_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rooms' alerts end as silent; another follows only after a minute of a room."""
    quiet = Quiet(monkeypatch)
    fill(quiet.topic, [record for record in stream() if _minute(record) <= 14])
    assert quiet.turns() == []
    assert quiet.turns(119) == []
    assert quiet.turns(2) == [text(14 + 11)] * 2
    resolved = [json.loads(output.value or b"") for output in quiet.topic.take_outputs(TOPICS.alerts)]
    assert ("resolve", "silent") in {(alert["event"], alert.get("reason")) for alert in resolved}
    assert quiet.turns(1000) == quiet.turns(1000) == []
    fill(quiet.topic, [record for record in stream(first=24, minutes=3) if record.key == b"a"])
    assert quiet.turns(1) == []
    assert quiet.turns(121) == [text(26 + 11)]
    standing: told.Standing = quiet.process.loop._mine.standing()
    assert max(standing.watermarks.values()) == watermark_of(37)


def test_a_broker_that_was_away_makes_no_partition_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its producers could not write either: the quiet time begins when it is back."""
    quiet = Quiet(monkeypatch)
    fill(quiet.topic, [record for record in stream() if _minute(record) <= 3])
    quiet.turns()
    log: Any = quiet.process.loop._log
    log.hook = failing("poll", "before", BrokerError("away"))
    assert quiet.turns(121) == []
    log.hook = never
    assert quiet.turns(1) == quiet.turns(118) == []
    assert len(quiet.turns(2)) == PARTITIONS


def test_a_clock_that_cannot_be_written_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction is given up, and after another quiet time it is tried again."""
    quiet = Quiet(monkeypatch)
    fill(quiet.topic, [record for record in stream() if _minute(record) <= 3])
    quiet.turns()
    log: Any = quiet.process.loop._log
    log.hook = failing("commit", "before", BrokerError("away"))
    assert quiet.turns(121) == []
    assert quiet.process.of(told.Aborted)
    log.hook = never
    assert len(quiet.turns(121)) == PARTITIONS


def test_settings_that_a_scorer_is_given_count_only_for_partitions_that_begin_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One that goes on from a checkpoint keeps what it follows, and a warning says so; none where nothing was given."""
    mine, others = (Overrides(room={room: Override(kinds=())}) for room in ("a", "b"))
    topic, store = MemoryTopic(PARTITIONS), MemoryStore()
    fill(topic, [record for record in stream() if _minute(record) < 12])
    first = Process(topic, store, overrides=mine).run()
    assert not any(recovered.unheeded for recovered in first.of(told.Recovered))
    for minute, given, unheeded in ((12, mine, False), (14, Overrides(), False), (16, others, True)):
        fill(topic, [record for record in stream() if _minute(record) in range(minute, minute + 2)])
        process = Process(topic, store, overrides=given).run()
        recovered = process.of(told.Recovered)
        assert [one.unheeded for one in recovered] == [unheeded] * PARTITIONS
        assert all(process.loop._mine[partition].fold.head.follows.settings == mine for partition in range(PARTITIONS))
        caplog.clear()
        narrator = Narrator()
        for happening in recovered:
            narrator(happening)
        assert caplog.text.count("`roompulse settings apply` changes what holds") == unheeded

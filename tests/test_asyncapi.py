"""docs/asyncapi.yaml says what the code does: names and limits, real messages of each kind, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example as always
from hypothesis import given, settings
from hypothesis import strategies as st

from roompulse import control, overrides, records, topics, words
from roompulse.bundle import default_bundle, load_bundle
from roompulse.errors import RecordError
from roompulse.kafka_topics import wanted_config
from roompulse.minutes import parse_clock, parse_minute
from roompulse.settings import Settings
from roompulse.topics import Topics
from scorer.adapters.memory_checkpoint import MemoryCheckpoint
from scorer.adapters.memory_log import MemoryLog, MemoryTopic
from scorer.loop import LoopOptions, ScoringLoop
from scorer.pipeline.decode import Decoded, decode_messages
from scorer.ports import Message
from scorer.wiring import models
from tests.asyncapi import Document
from tests.journeys.bad_records import BAD, BY_KEY
from tests.journeys.good_rooms import Sent, clock_after, falling_fleet, records_of, write_history
from tests.scorer.fakes import control as control_record
from tests.scorer.fakes import feedback, snooze

DOCUMENT = Document()
CHANNELS = {channel["address"]: name for name, channel in DOCUMENT.contents["channels"].items()}
STRUCTS = {
    "roomMinute": records.RoomMinute,
    "clock": records.Clock,
    "feedback": words.Feedback,
    "snooze": words.Snooze,
    "forecast": records.Forecast,
    "alert": records.Alert,
    "hotlist": records.Hotlist,
    "fleetEvent": records.FleetEvent,
}
CONTROLS: dict[str, type[msgspec.Struct]] = {
    "followModel": control.FollowModel,
    "challenge": control.Challenge,
    "applySettings": control.ApplySettings,
    "serveForecast": control.ServeForecast,
}
GOOD: dict[str, Any] = {"room_id": "a", "minute": "2024-05-01T10:00:00Z", "metrics": {"watch_ucnt": 1}}


def nested(*path: str) -> dict[str, Any]:
    """A schema inside a schema."""
    found: dict[str, Any] = DOCUMENT.schemas
    for name in path:
        found = found[name]
    return found


def test_every_topic_is_there_with_its_settings() -> None:
    """The channels are the topics, in order, each with the settings that it is created with."""
    channels = DOCUMENT.contents["channels"].values()
    assert [channel["address"] for channel in channels] == list(Topics().all)
    for channel in channels:
        told = channel["bindings"]["kafka"]["topicConfiguration"]
        told = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in told.items()}
        assert told == wanted_config(Topics())[channel["address"]]


def test_every_schema_name_is_there() -> None:
    """The header's values are the names in the code."""
    known = {value for name, value in vars(topics).items() if name.endswith("_SCHEMA")}
    told = {
        message["headers"].get("properties", {}).get("schema", {}).get("const")
        for message in DOCUMENT.messages.values()
    }
    assert told - {None} == known


@pytest.mark.parametrize(
    ("struct", "path"),
    [
        *((struct, (name,)) for name, struct in STRUCTS.items()),
        (records.Metrics, ("roomMinute", "properties", "metrics")),
        (records.Quantiles, ("forecast", "properties", "quantiles")),
        (records.Driver, ("alert", "properties", "drivers", "items")),
        (records.HotRoom, ("hotlist", "properties", "rooms", "items")),
        (overrides.Overrides, ("applySettings", "properties", "settings")),
        (overrides.Override, ("override",)),
    ],
)
def test_fields_are_those_of_the_code(struct: type[msgspec.Struct], path: tuple[str, ...]) -> None:
    """Every field is there, in order, and required where the code knows no default."""
    fields = msgspec.structs.fields(struct)
    assert list(nested(*path)["properties"]) == [field.encode_name for field in fields]
    assert nested(*path).get("required", []) == [field.encode_name for field in fields if field.required]


@pytest.mark.parametrize("name", CONTROLS)
def test_fields_of_control_records_are_those_of_the_code(name: str) -> None:
    """What each is about stands before its fields."""
    struct = CONTROLS[name]
    fields = msgspec.structs.fields(struct)
    assert list(nested(name)["properties"]) == ["control", *(field.encode_name for field in fields)]
    assert nested(name)["required"] == ["control", *(field.encode_name for field in fields if field.required)]
    assert nested(name, "properties", "control")["const"] == struct.__struct_config__.tag


def test_limits_are_those_of_the_code() -> None:
    """Lengths and sizes."""
    assert nested("roomId")["maxLength"] == records.MAX_ROOM_ID
    assert nested("channels")["maxProperties"] == records.MAX_CHANNELS
    assert nested("count")["maximum"] == records.MAX_COUNT


@pytest.mark.parametrize("name", [name for name, message in DOCUMENT.messages.items() if "examples" in message])
def test_examples_are_what_they_illustrate(name: str) -> None:
    """Examples are valid, and the input's are accepted."""
    (channel,) = [c for c in DOCUMENT.contents["channels"].values() if name in c["messages"]]
    for example in DOCUMENT.messages[name]["examples"]:
        headers = [(header, text.encode()) for header, text in example.get("headers", {}).items()]
        value = json.dumps(example.get("payload")).encode()
        payload = example.get("payload") or {}
        partition = payload.get("partition")
        keys = {"alertsOpen": payload.get("alert_id"), "hotlist": partition, "fleet": partition}
        key = str(keys.get(CHANNELS[channel["address"]], payload.get("room_id"))).encode()
        assert DOCUMENT.check(channel["address"], key, value, headers) == name
        if name == "roomMinute":
            assert records.decode_minute(value).room_id == example["payload"]["room_id"]
        if name == "clock":
            assert records.decode_clock(value).minute == example["payload"]["minute"]
        if name == "feedback":
            assert words.decode_feedback(value).alert_id == example["payload"]["alert_id"]
        if name == "control":
            assert control.name_of(control.decode_control(value)) == example["payload"]["control"]
        if name == "snooze":
            assert words.decode_snooze(value).until == example["payload"]["until"]


def test_real_messages_of_each_kind_are_as_described(tmp_path: Path) -> None:
    """A run in memory over good and bad records, a correction, a clock and a fleet: every input and output there is."""
    write_history(tmp_path / "h.csv")
    sent = list(records_of(tmp_path / "h.csv"))
    surge = next(at for at, one in enumerate(sent) if b"T11:00:00" in one.value and "🎉".encode() in one.value)
    corrected = sent[surge]._replace(value=sent[surge].value.replace(b'"watch_ucnt":540', b'"watch_ucnt":100'))
    assert corrected.value != sent[surge].value
    said = [
        Sent(given.key, given.value or b"", list(given.headers))
        for given in (feedback("c-3", "noise"), snooze("c-3", 0), control_record("settings", settings={}))
    ]
    sent = [*sent[: surge + 4], corrected, *said, *sent[surge + 4 :], clock_after(tmp_path / "h.csv")]
    topic, seen = MemoryTopic(2), Counter[str]()
    for one in sent:
        topic.append(0, one.key, one.value, one.headers, 0)
        seen[DOCUMENT.check(Topics().minutes, one.key, one.value, one.headers)] += 1
    for one in falling_fleet():
        topic.append(1, one.key, one.value, one.headers, 0)
    for bad in BAD:
        partition = 0 if bad.partition == BY_KEY else bad.partition
        headers = [(name, content or b"") for name, content in bad.headers]
        topic.append(partition, bad.key, bad.value, headers, 0)
    bundle = load_bundle(default_bundle())
    loop = ScoringLoop(
        MemoryLog(topic), MemoryCheckpoint(), models(Settings(), bundle, 2),
        LoopOptions(5000, 1 << 62, 24.0), lambda happening: None, lambda: False,
    )  # fmt: skip
    while any(topic.committed.get(partition, 0) < topic.end(partition) for partition in range(2)):
        loop.turn()
    events, reasons = set(), set()
    for (name, _), outputs in topic.outputs.items():
        for output in outputs:
            kind = DOCUMENT.check(name, output.key, output.value, output.headers)
            seen[kind] += 1
            if kind == "alert":
                events.add(json.loads(output.value or b"")["event"])
            if kind == "deadLetter":
                reasons.add(dict(output.headers)["reason"].decode())
    assert seen.keys() == DOCUMENT.messages.keys()
    assert events == set(nested("alert", "properties", "event")["enum"])
    assert reasons == {bad.reason for bad in BAD} - {"partition"}


def refused(value: bytes, decode: Any) -> bool:
    """Whether the scorer dead-letters this for what it is, not for when it came."""
    try:
        parse_minute(decode(value).minute)
    except (RecordError, ValueError):
        return True
    return False


numbers = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([1e12, 1.1e12, -0.0])
)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
minutes = st.sampled_from(
    [
        "2024-05-01T10:00:00+08:00", "2024-05-01 10:00:00z", "2024-05-01t10:00:00.000-23:59", "1970-01-01T00:00:00Z",
        "2999-12-31T23:59:00Z", "1969-12-31T23:59:00Z", "3000-01-01T00:00:00Z", "2024-13-01T10:00:00Z", "2024-05-01",
        "2024-05-32T10:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T10:60:00Z", "2024-05-01T10:00:01Z",
        "2024-05-01T10:00:00", "2024-05-01T10:00Z", "2024-05-01T10:00:00+24:00", "2024-05-01T10:00:00+08:60",
        "2024-05-01T10:00:00.5Z", "2024-05-01T10:00:60Z", "２０２４-05-01T10:00:00Z", " 2024-05-01T10:00:00Z", "noon",
    ]
)  # fmt: skip
names = st.text(max_size=8) | st.sampled_from(["", "r" * 256, "r" * 257, "🎉" * 256, "a\u0085", "a\u2028", "a\x7f"])
channels = st.dictionaries(st.text(max_size=4), numbers, max_size=4) | st.sampled_from(
    [{str(number): 1 for number in range(count)} for count in (256, 257)]
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "room_id": names | anything,
        "minute": minutes | anything,
        "metrics": st.dictionaries(st.sampled_from(records.METRICS), numbers | st.none() | anything) | anything,
        "natural": channels | anything,
        "paid": channels | anything,
        "category": names | anything,
        "ended": anything,
        "unknown": anything,
    },
)


@settings(max_examples=300, deadline=None)
@given(changes=fields, left_out=st.sets(st.sampled_from(["", "room_id", "minute", "metrics"]), max_size=1))
def test_what_the_schema_forbids_is_what_is_refused(changes: dict[str, Any], left_out: set[str]) -> None:
    """Room-minutes with any fields changed or left out: the schema and the decoder agree on each."""
    record = {name: value for name, value in (GOOD | changes).items() if name not in left_out}
    value = json.dumps(record, allow_nan=False).encode()
    assert DOCUMENT.accepts("roomMinute", record) != refused(value, records.decode_minute)


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional={"minute": minutes | anything, "unknown": anything}) | anything)
def test_what_the_schema_forbids_in_a_clock_is_what_is_refused(record: object) -> None:
    """Clocks likewise."""
    value = json.dumps(record, allow_nan=False).encode()
    assert DOCUMENT.accepts("clock", record) != refused(value, records.decode_clock)


verdicts = st.fixed_dictionaries(
    {},
    optional={
        "room_id": names | anything,
        "alert_id": st.sampled_from(["0" * 16, "0" * 15, "0" * 17, "A" * 16, "0" * 16 + "\n"]) | anything,
        "verdict": st.sampled_from(["useful", "noise", "", "Noise"]) | anything,
        "until": minutes | anything,
        "note": st.text() | st.sampled_from(["n" * 1024, "n" * 1025]) | anything,
        "unknown": anything,
    },
)
SAID = {"room_id": "a", "alert_id": "0" * 16, "verdict": "noise", "until": "2024-05-01T10:00:00Z"}


@settings(max_examples=200, deadline=None)
@given(changes=verdicts, left_out=st.sets(st.sampled_from(["", *SAID]), max_size=1))
def test_what_the_schemas_forbid_people_to_say_is_what_is_refused(changes: dict[str, Any], left_out: set[str]) -> None:
    """Verdicts and snoozes likewise."""
    record = {name: value for name, value in (SAID | changes).items() if name not in left_out}
    value = json.dumps(record, allow_nan=False).encode()
    for name in ("feedback", "snooze"):
        assert DOCUMENT.accepts(name, record) != bool(decoded(f"live.room.{name}/1", value).dead)


HASH = "0" * 64
told = st.fixed_dictionaries(
    {},
    optional={
        "control": st.sampled_from(["model", "challenger", "settings", "serve", "clock"]) | anything,
        "hash": st.sampled_from([HASH, "0" * 63, "0" * 65, "A" * 64, None]) | anything,
        "label": names | st.sampled_from(["n" * 200, "n" * 201]) | anything,
        "spread_minutes": st.sampled_from([0, 1, 1440, 1441, 2.0, 2.5]) | anything,
        "begins": minutes | anything,
        "settings": st.fixed_dictionaries(
            {},
            optional={
                "rules": st.dictionaries(st.sampled_from(overrides.Override.__struct_fields__), numbers | anything),
                "category": st.dictionaries(names, st.just({"kinds": ["surge"]}) | anything, max_size=2),
                "room": anything,
                "unknown": anything,
            },
        )
        | anything,
        "forecast": st.sampled_from(["plain", "network", "mean"]) | anything,
        "note": st.sampled_from(["n" * 1024, "n" * 1025]) | anything,
        "unknown": anything,
    },
)
CONTROL: dict[str, Any] = {"control": "model", "hash": HASH, "label": "step-1", "settings": {}, "forecast": "plain"}


@settings(max_examples=300, deadline=None)
@given(told, st.sampled_from(["model", "challenger", "settings", "serve"]), st.sampled_from(["", *CONTROL]))
@always({"spread_minutes": 2.0}, "model", "")  # an integer to JSON Schema
@always({"spread_minutes": 2.5}, "model", "")
def test_what_the_schema_forbids_in_a_control_record_is_what_is_refused(
    changes: dict[str, Any], about: str, without: str
) -> None:
    """Control records of each kind with any fields changed or left out."""
    record = {name: value for name, value in (CONTROL | {"control": about} | changes).items() if name != without}
    value = json.dumps(record, allow_nan=False).encode()
    assert DOCUMENT.accepts("control", record) != bool(decoded("live.control/1", value).dead)


def decoded(schema: str, value: bytes) -> Decoded:
    """What the scorer makes of one record that a room's key and the right schema come with."""
    headers = ((topics.SCHEMA_HEADER, schema.encode()),)
    key = json.loads(value).get("room_id")
    key = key.encode("utf-8", "replace") if isinstance(key, str) else b"?"
    return decode_messages([Message(0, -1, key, value, headers)], 0, None)


@settings(deadline=None)
@given(minutes | st.text())
def test_what_the_schema_forbids_in_a_clock_header_is_what_is_refused(text: str) -> None:
    """The header `clock` likewise; it may have seconds."""
    try:
        parse_clock(text)
    except ValueError:
        assert not DOCUMENT.accepts("clockHeader", text)
    else:
        assert DOCUMENT.accepts("clockHeader", text)

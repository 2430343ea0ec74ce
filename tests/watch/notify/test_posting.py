"""A record as Alertmanager's labels and annotations."""

from __future__ import annotations

import pytest

from roompulse.errors import RecordError
from roompulse.records import encode
from tests.watch.notify.records import NOW_S, alert_of, as_dict, fleet_of, told
from watch.notify.posting import Posting, annotations_of, labels_of
from watch.notify.records import read_alert, read_fleet


@pytest.mark.parametrize(
    ("kind", "name", "direction"),
    [("surge", "RoomSurge", "up"), ("hotspot", "RoomHotspot", "up"), ("slump", "RoomSlump", "down")],
)
def test_a_rooms_alert_has_these_labels(kind: str, name: str, direction: str) -> None:
    """Kind, name and direction go together; the prefix is a label where there is one."""
    record = alert_of("长", kind=kind, severity="info")
    labels = {
        "alertname": name, "source": "roompulse", "alert_id": record.alert_id, "room_id": "长", "kind": kind,
        "severity": "info", "direction": direction, "partition": "3",
    }  # fmt: skip
    assert as_dict(labels_of(told(record, 3), "")) == labels
    assert as_dict(labels_of(told(record, 3), "staging.")) == labels | {"topic_prefix": "staging."}


def test_a_fleet_event_has_these_labels() -> None:
    """It names no room."""
    record = fleet_of(direction="up", partition=2)
    assert as_dict(labels_of(told(record, 2), "")) == {
        "alertname": "FleetMove", "source": "roompulse", "alert_id": record.fleet_id, "severity": "warning",
        "direction": "up", "partition": "2",
    }  # fmt: skip


def test_labels_stay_while_numbers_change() -> None:
    """Everything but the severity: one fingerprint for an alert."""
    first = told(alert_of("a"))
    last = told(alert_of("a", "resolve", minute_s=NOW_S + 600, actual=7, text="Over."))
    assert labels_of(first, "") == labels_of(last, "")


def test_annotations_say_what_happened() -> None:
    """The sentence and the numbers as text; the reason once it is over."""
    assert annotations_of(told(alert_of("a"))) == {
        "summary": "Surge in room a.", "opened": "2026-01-05T18:30:00+08:00", "minute": "2026-01-05T18:30:00+08:00",
        "actual": "540", "expected": "105.7", "low": "65.85", "high": "155.7", "deviation_percent": "410.9",
        "model": "step-1+0f3a9c21", "drivers": "natural 搜索 270 (52.4 expected)",
    }  # fmt: skip
    assert annotations_of(told(alert_of("a", "resolve")))["reason"] == "recovered"
    assert annotations_of(told(fleet_of()))["moved"] == "67"
    assert len(annotations_of(told(alert_of("a", text="x" * 5000)))["summary"]) == 2000


def test_what_is_null_is_left_out() -> None:
    """Alertmanager has no null."""
    record = (
        encode(alert_of("a")).replace(b'"actual":540.0', b'"actual":null').replace(b'"actual":540,', b'"actual":null,')
    )
    assert "actual" not in annotations_of(read_alert(record, 0, 0.0))


def test_times_are_written_as_the_api_wants_them() -> None:
    """RFC 3339 in UTC."""
    posting = Posting(frozenset({"b": "2", "a": "1"}.items()), {"summary": "s"}, NOW_S, NOW_S + 0.5)
    assert posting.as_json() == {
        "labels": {"a": "1", "b": "2"}, "annotations": {"summary": "s"},
        "startsAt": "2026-01-05T10:30:00.000Z", "endsAt": "2026-01-05T10:30:00.500Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"surge"', b'"other"', "kind: got 'other'"),
        (b'"warning"', b'"page"', "severity: got 'page'"),
        (b'"open"', b'"opened"', "event: got 'opened'"),
        (b'"2026-01-05T18:30:00+08:00"', b'"2026-01-05"', "expected RFC 3339"),
        (b'"alert_id":"', b'"alert_id":"\xe9\x95\xbf', "expected 16 hexadecimal digits"),
        (b'"room_id":"a"', b'"room_id":"\\ud800"', "expected UTF-8 JSON"),
        (b'"drivers"', b'"driver"', "drivers: missing"),
    ],
)
def test_what_no_scorer_wrote_is_refused(old: bytes, new: bytes, says: str) -> None:
    """Anybody may write to a topic; the message says field, value and expectation."""
    with pytest.raises(RecordError, match=says):
        read_alert(encode(alert_of("a")).replace(old, new), 0, 0.0)


def test_a_fleet_event_is_checked_as_well() -> None:
    """Its direction, at least, is a label."""
    with pytest.raises(RecordError, match="direction: got 'left'"):
        read_fleet(encode(fleet_of()).replace(b'"down"', b'"left"'), 0, 0.0)

"""A record as a signed CloudEvent, and when an event is no news any more."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import Any

import pytest

from roompulse.topics import Topics
from tests.require import ROOT
from tests.watch.notify.records import NOW_S, alert_of, fleet_of, told
from watch.notify.events import event_body, event_id, signed_headers
from watch.notify.to_webhook import too_old

SECRET = b"a secret of thirty-two bytes, no"


@pytest.fixture
def receiving() -> dict[str, Any]:
    """The code that docs/notify.md gives to receivers."""
    page = (ROOT / "docs" / "notify.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    space: dict[str, Any] = {}
    exec(code, space)
    return space


def test_an_event_has_the_attributes_of_cloudevents() -> None:
    """Version 1.0, structured: attributes and, as it lies on the topic, the record."""
    record = alert_of("长\n")
    event = json.loads(event_body(told(record, 3), Topics("staging.")))
    data = event.pop("data")
    assert event == {
        "specversion": "1.0", "id": event_id(told(record)), "type": "roompulse.alert.open",
        "source": "/roompulse/staging.live.room.alerts/3", "subject": "长\ufffd",
        "time": "2026-01-05T18:30:00+08:00", "datacontenttype": "application/json",
    }  # fmt: skip
    assert (data["room_id"], data["alert_id"]) == ("长\n", record.alert_id)
    fleet = json.loads(event_body(told(fleet_of("resolve", partition=1), 1), Topics()))
    assert (fleet["type"], fleet["subject"]) == ("roompulse.fleet.resolve", "partition 1")


def test_an_id_is_of_the_alert_its_event_and_its_minute() -> None:
    """The same for the same record, on whatever partition it is read again; another for each event and correction."""
    record = alert_of("a")
    assert event_id(told(record, 0, 1.0)) == event_id(told(record, 1, 2.0))
    assert event_id(told(record)).startswith(f"{record.alert_id}:open:2026-01-05T18:30:00+08:00:")
    others = [alert_of("a", "update"), alert_of("a", "update", actual=7), alert_of("a", "resolve"), alert_of("b")]
    assert len({event_id(told(other)) for other in [record, *others]}) == 5


def test_a_receiver_can_tell_who_sent_it_and_when(receiving: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another body, id, time or secret is refused, and so is an old request that is sent again."""
    body = event_body(told(alert_of("长")), Topics())
    headers = signed_headers("one", body, SECRET, NOW_S)
    signed = f"one.{int(NOW_S)}.".encode() + body
    assert headers["webhook-signature"] == (
        "v1," + base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
    )
    monkeypatch.setattr(receiving["time"], "time", lambda: NOW_S + 200)
    assert receiving["verified"](headers, body, SECRET)["data"]["room_id"] == "长"
    for wrong in ({"webhook-id": "two"}, {"webhook-timestamp": str(int(NOW_S) + 1)}, {"webhook-signature": "v1,"}):
        with pytest.raises(ValueError, match="not signed"):
            receiving["verified"](headers | wrong, body, SECRET)
    for parts in ((body + b" ", SECRET), (body, SECRET + b"x")):
        with pytest.raises(ValueError, match="not signed"):
            receiving["verified"](headers, *parts)
    monkeypatch.setattr(receiving["time"], "time", lambda: NOW_S + 301)
    with pytest.raises(ValueError, match="too old"):
        receiving["verified"](headers, body, SECRET)


def test_news_grow_old_and_ends_do_not() -> None:
    """Except for the ends of a replay, which were old when they were written."""
    opened, ended = alert_of("a"), alert_of("a", "resolve", minute_s=NOW_S + 60)
    assert not too_old(told(opened), NOW_S + 900, 900)
    assert too_old(told(opened), NOW_S + 901, 900)
    assert not too_old(told(ended), NOW_S + 30_000, 900)
    assert too_old(told(ended, written_s=NOW_S + 30_000), NOW_S + 30_001, 900)

"""A record as a signed CloudEvent. Pure; the secret and the time come in.

CloudEvents 1.0, JSON format, structured mode (https://github.com/cloudevents/spec). The signature is that of Standard
Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over id, timestamp and body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import msgspec

from roompulse.records import Alert
from roompulse.topics import Topics
from watch.notify.records import Told

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_encode = msgspec.json.Encoder().encode


def event_id(told: Told) -> str:
    """The same however often a record is delivered or replayed: alert, event, minute, and a digest of the record.

    The digest tells two corrections of the same minute apart.
    """
    digest = hashlib.sha256(told.value).hexdigest()[:8]
    return f"{told.alert_id}:{told.record.event}:{told.record.minute}:{digest}"


def event_body(told: Told, topics: Topics) -> bytes:
    """The event as JSON; `data` is the record as it lies on the topic."""
    record = told.record
    kind, topic = ("alert", topics.alerts) if isinstance(record, Alert) else ("fleet", topics.fleet)
    return _encode(
        {
            "specversion": "1.0",
            "id": event_id(told),
            "type": f"roompulse.{kind}.{record.event}",
            "source": f"/roompulse/{topic}/{told.partition}",
            "subject": _attribute(lane(told)),
            "time": record.minute,
            "datacontenttype": "application/json",
            "data": msgspec.Raw(told.value),
        }
    )


def lane(told: Told) -> str:
    """What events are kept in order by: the room, or a fleet event's partition."""
    record = told.record
    return record.room_id if isinstance(record, Alert) else f"partition {told.partition}"


def signed_headers(identity: str, body: bytes, secret: bytes, now: float) -> dict[str, str]:
    """The headers of a request made now; `now` is in seconds since 1970."""
    timestamp = str(int(now))
    signed = b".".join((identity.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": CONTENT_TYPE,
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def _attribute(text: str) -> str:
    """CloudEvents allow no control characters in attributes; a stray record may hold some."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text) or "-"

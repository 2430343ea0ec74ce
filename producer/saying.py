"""Sends what a person says of a room to the partition of its key, where the room's minutes lie too."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from msgspec import Struct

from producer.publisher import Publisher, kafka_publisher
from roompulse.errors import RecordError, UsageError
from roompulse.records import encode
from roompulse.settings import KAFKA, Settings, add_settings, load_settings
from roompulse.summary import add_json, print_summary
from roompulse.topics import FEEDBACK_SCHEMA, SCHEMA_HEADER, SNOOZE_SCHEMA
from roompulse.words import Feedback, Snooze, decode_feedback, decode_snooze


def add_saying_options(parser: argparse.ArgumentParser) -> None:
    """The flags that all who say something share."""
    parser.add_argument("--note", metavar="TEXT", help="why; for people, and kept with the record")
    add_settings(parser, *KAFKA, "topic_prefix", "connect_timeout_s")
    add_json(parser)


def say(args: argparse.Namespace, word: Feedback | Snooze) -> int:
    """Send one word and wait until it has arrived. Returns 0. Raises UsageError before anything is sent, BrokerError.

    No topic is created: where there is none, nobody would hear.
    """
    settings = replace(load_settings(args), create_topics=False)
    checked = _checked(word)
    with kafka_publisher(settings) as publisher:
        send_word(publisher, checked)
    print_summary(_told(checked, settings), as_json=args.json)
    return 0


def send_word(publisher: Publisher, word: Feedback | Snooze) -> None:
    """Send one word, keyed by its room, and wait until it has arrived. Raises BrokerError."""
    schema = FEEDBACK_SCHEMA if isinstance(word, Feedback) else SNOOZE_SCHEMA
    publisher.send(word.room_id.encode(), encode(word), [(SCHEMA_HEADER, schema.encode())])
    publisher.flush()


def _checked(word: Feedback | Snooze) -> Feedback | Snooze:
    """What the scorer will read. Raises UsageError where it would refuse it."""
    try:
        value = encode(word)
        return decode_feedback(value) if isinstance(word, Feedback) else decode_snooze(value)
    except RecordError as error:
        raise UsageError(str(error)) from None
    except UnicodeEncodeError as error:
        raise UsageError(f"got {error.object[:60]!a}: expected UTF-8") from None


def _told(word: Struct, settings: Settings) -> dict[str, Any]:
    fields = {name: getattr(word, name) for name in word.__struct_fields__}
    return {"sent": type(word).__name__.lower()} | fields | {"topic_prefix": settings.topic_prefix or None}

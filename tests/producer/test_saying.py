"""`roompulse feedback` and `roompulse snooze`: what they send, and what they refuse."""

from __future__ import annotations

import json

import pytest

from producer.saying import send_word
from producer.snooze import minute_after
from roompulse.cli import main
from roompulse.errors import UsageError
from roompulse.local_server import free_port
from roompulse.words import Feedback, Snooze
from tests.producer.fakes import MemoryPublisher

ALERT = "9d643668f5e36d6d"


@pytest.mark.parametrize(
    ("word", "schema"),
    [
        (Feedback("直播间 🎉", ALERT, "noise", "a lottery"), b"live.room.feedback/1"),
        (Snooze("直播间 🎉", "2024-05-01T20:15:00+08:00"), b"live.room.snooze/1"),
    ],
)
def test_a_word_is_keyed_by_its_room_and_has_arrived(word: Feedback | Snooze, schema: bytes) -> None:
    """The key's hash decides on the partition, as it does for the room's minutes."""
    topic = MemoryPublisher()
    send_word(topic, word)
    (sent,) = topic.records
    assert (sent.key, sent.headers, sent.partition, topic.flushed) == (
        "直播间 🎉".encode(),
        {"schema": schema},
        None,
        1,
    )
    fields = {name: getattr(word, name) for name in word.__struct_fields__}
    assert json.loads(sent.value) == {name: value for name, value in fields.items() if value is not None}


@pytest.mark.parametrize(
    ("duration", "minute"),
    [("30m", "1970-01-01T00:32:00Z"), ("2h", "1970-01-01T02:02:00Z"), ("1d", "1970-01-02T00:02:00Z")],
)
def test_a_duration_counts_from_the_next_whole_minute(duration: str, minute: str) -> None:
    """61 seconds after midnight, 30 minutes reach to minute 32: not less than what was asked for."""
    assert minute_after(duration, 61.0) == minute


@pytest.mark.parametrize("duration", ["2", "h", "0h", "-1h", "1.5h", "2 h", "1w", ""])
def test_a_duration_that_is_none_is_refused(duration: str) -> None:
    """With what was got and what is expected."""
    with pytest.raises(UsageError, match=r"--for: got .*: expected a whole number and m, h or d"):
        minute_after(duration, 0.0)


NOWHERE = ["--bootstrap-servers", f"127.0.0.1:{free_port()}", "--connect-timeout-s", "0.5"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["feedback", "7", "--room", "a", "--verdict", "noise"], 2, "alert_id: got '7'"),
        (["feedback", ALERT, "--room", "", "--verdict", "noise"], 2, "room_id: got ''"),
        (["feedback", ALERT, "--room", "a\nb", "--verdict", "noise"], 2, "without control characters"),
        (["feedback", ALERT, "--room", "a", "--verdict", "noise", "--note", "n" * 2000], 2, "note: got 'nnn"),
        (
            ["feedback", ALERT, "--room", "a", "--verdict", "noise", "--note", "\udcff"],
            2,
            r"got '\udcff': expected UTF-8",
        ),
        (["feedback", ALERT, "--room", "a", "--verdict", "bad"], 2, "invalid choice: 'bad'"),
        (["feedback", ALERT, "--verdict", "noise"], 2, "required: --room"),
        (["snooze", "a"], 2, "one of the arguments --until --for is required"),
        (["snooze", "a", "--until", "noon"], 2, "--until: got 'noon': expected RFC 3339"),
        (["snooze", "a", "--for", "2w"], 2, "--for: got '2w'"),
        (["snooze", "a", "--for", "2h", "--until", "noon"], 2, "not allowed with argument"),
        (["snooze", "a", "--for", "2h"], 1, "cannot reach Kafka at 127.0.0.1:"),
        (["feedback", ALERT, "--room", "a", "--verdict", "useful"], 1, "cannot reach Kafka at 127.0.0.1:"),
    ],
)
def test_what_cannot_be_said_is_told_in_one_line(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage ends with 2 before Kafka is asked for; a Kafka that is not there with 1."""
    try:
        ended = main([*arguments, *NOWHERE])
    except SystemExit as end:
        ended = int(end.code or 0)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("roompulse")]
    assert (ended, len(told)) == (code, 1)
    assert message in told[0]

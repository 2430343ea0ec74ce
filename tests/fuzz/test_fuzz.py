"""Twenty thousand inputs of the fuzzer; the million is `python -m tests.fuzz`."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest

from roompulse.errors import REASONS
from roompulse.topics import CLOCK_SCHEMA, MINUTE_SCHEMA, SCHEMA_HEADER
from scorer.pipeline.decode import CLOCK, decode_messages
from scorer.ports import Message
from tests.fuzz.__main__ import main
from tests.fuzz.inputs import MINUTE, MINUTE_MS, make_input
from tests.fuzz.judge import Judge
from tests.fuzz.run import fuzz

INPUTS = 20_000


def test_no_input_breaks_the_decoder_and_none_that_the_schema_forbids_gets_through() -> None:
    """No exception, none slow, every refusal with a reason; and each reason of the decoder is met, so it is tried."""
    found = fuzz(INPUTS, seed=20_240_501)
    assert found.faults == []
    assert found.accepted > INPUTS / 20
    assert set(found.dead) == set(REASONS) - {"rooms", "partition"}


def test_a_batch_is_decoded_as_its_messages_alone() -> None:
    """What stands beside an input changes nothing of what becomes of it."""
    chance = Random(7)
    messages = [make_input(chance, number) for number in range(1_000)]
    together = decode_messages(messages, 0, None)
    alone = [decode_messages([message], 0, None) for message in messages]
    assert sorted(together.dead) == [number for number, one in enumerate(alone) if one.dead]
    assert all(together.dead[number] == alone[number].dead[0] for number in together.dead)
    kept = [one for one in alone if not one.dead]
    assert together.rooms == [one.rooms[0] for one in kept]
    for name in ("kind", "minute", "offset", "value", "ended"):
        assert np.array_equal(
            getattr(together, name), np.concatenate([getattr(one, name) for one in kept]), name == "value"
        )


def test_the_judge_objects_to_what_is_wrong() -> None:
    """A judge that never objects would find nothing: accepted columns beside other bytes are told apart."""
    message = next(
        one for one in (make_input(Random(seed), 0) for seed in range(100)) if not decode_messages([one], 0, None).dead
    )
    decoded, judge = decode_messages([message], 0, None), Judge()
    assert judge.objection(message, decoded) == ""
    for value in (b"{}", b"\xff", b"[" * 5_000, b'{"a":NaN}'):
        assert judge.objection(Message(0, -1, message.key, value, message.headers), decoded)


def test_a_long_run_tells_how_it_goes(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A line now and then on standard error; the one line that counts on standard output."""
    monkeypatch.setattr("tests.fuzz.run.TELL_EACH", 100)
    monkeypatch.setattr("sys.argv", ["fuzz", "--inputs", "250"])
    assert main() == 0
    said = capfd.readouterr()
    assert [line.partition(" in ")[0] for line in said.err.splitlines() if line] == ["100 inputs", "200 inputs"]
    assert said.out.startswith("inputs 250 accepted ")
    assert said.out.endswith(" faults 0\n")


def test_a_clock_in_the_shape_of_a_minute_is_a_clock() -> None:
    """The last header of a name counts, and a clock has no room: what its field `room_id` holds is ignored."""
    value = json.dumps({"room_id": "room-1", "minute": MINUTE, "metrics": {"watch_ucnt": "many"}}).encode()
    headers = [(SCHEMA_HEADER, MINUTE_SCHEMA.encode()), (SCHEMA_HEADER, CLOCK_SCHEMA.encode())]
    message = Message(0, MINUTE_MS, b"room-1", value, headers)
    decoded = decode_messages([message], 0, None)
    assert (decoded.dead, decoded.rooms, [int(kind) for kind in decoded.kind]) == ({}, [""], [CLOCK])
    assert Judge().objection(message, decoded) == ""
    (letter,) = decode_messages([Message(0, MINUTE_MS, b"room-1", value, headers[:1])], 0, None).dead.values()
    assert letter.reason == "invalid"

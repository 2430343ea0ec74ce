"""`roompulse room`: what a room's state says, and where it is read from."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import redis

from roompulse.bundle import default_bundle, load_bundle
from roompulse.cli import main
from roompulse.errors import CheckpointAway
from roompulse.local_server import free_port
from roompulse.rooms import layout_of, shape_of
from roompulse.settings import Settings
from scorer.adapters.redis_checkpoint import RedisCheckpoint
from scorer.adapters.redis_rooms import SavedRoom, find_room
from scorer.pipeline.write import alert_id_of
from scorer.ports import Snapshot
from scorer.recovery import SavedHead
from scorer.room_view import room_view
from scorer.wiring import open_model
from tests.scorer.fakes import START, Lab, event, feedback, snooze, steady, text
from tests.services.redis import RedisServer


def test_the_view_is_the_state_in_words() -> None:
    """Window, newest forecast, threshold, snooze and the open alert, in the room's own time."""
    lab = Lab()
    made = lab.send(steady("a", range(40)), feedback("a", "noise"), event("a", 41, 500.5)).forecasts[-1]
    lab.send(snooze("a", 99))
    view = room_view("a", lab.room("a")[0])
    assert (view["last_minute"], view["session_start"], view["session_over"]) == (text(41), text(0), False)
    assert view["window"] == [99] * 40 + [None, 500.5]
    assert view["forecast"] == made["quantiles"]
    assert (view["threshold_shift"], view["snoozed_until"], view["served_by"]) == (0.4, text(99), "network")
    assert view["budget_shift"] == {"surge": 0, "slump": 0}, "these rules have no step"
    (alert,) = view["open_alerts"]
    assert (alert["alert_id"], alert["opened"]) == (alert_id_of("a", "surge", START + 41), text(41))
    assert (alert["kind"], alert["peak_deviation"]) == ("surge", 401.5)
    json.dumps(view, allow_nan=False)


def test_a_snooze_that_is_over_is_none() -> None:
    """It lasts until a minute that the room has passed."""
    lab = Lab()
    lab.send(steady("a", range(5)), snooze("a", 4))
    assert room_view("a", lab.room("a")[0])["snoozed_until"] is None


def save(server: RedisServer, partition: int, rows: dict[bytes, bytes], head: bytes = b"head") -> None:
    """A scorer's checkpoint with these rooms."""
    owner = RedisCheckpoint(server.url, "t.rp")
    owner.claim(partition)
    owner.save(partition, Snapshot(7, head, list(rows.items()), (), rows.items))
    owner.close()


def test_a_room_is_found_on_whichever_partition_it_is(redis_server: RedisServer) -> None:
    """Of the saved point; nothing is written, not even a fence."""
    save(redis_server, 0, {b"a": b"1"})
    save(redis_server, 11, {"房 🎉".encode(): b"2"}, b"other")
    client = redis.Redis.from_url(redis_server.url)
    before = {key: client.dump(key) for key in client.keys("*")}
    assert find_room(redis_server.url, "t.rp", "房 🎉", timeout_s=2) == SavedRoom(11, 7, b"other", b"2")
    assert find_room(redis_server.url, "t.rp", "b", timeout_s=2) is None
    assert find_room(redis_server.url, "rp", "a", timeout_s=2) is None
    assert {key: client.dump(key) for key in client.keys("*")} == before


def test_a_redis_that_is_away_is_said() -> None:
    """Within the time given."""
    with pytest.raises(CheckpointAway, match="cannot reach Redis"):
        find_room(f"redis://127.0.0.1:{free_port()}", "rp", "a", timeout_s=0.5)


def test_the_command_shows_a_saved_room(redis_server: RedisServer, capsys: pytest.CaptureFixture[str]) -> None:
    """As tables for people; --json has the same and more. A room that is not there ends with 1."""
    bundle = load_bundle(default_bundle())
    lab = Lab(open_model(bundle, Settings(), None))
    lab.send(steady("a", range(25)), event("a", 25, 900))
    layout = layout_of(lab.context.dtype)
    head = SavedHead(layout, "id", 1, lab.fold.head, shape_of(lab.context.dtype))
    save(redis_server, 0, {b"a": lab.room("a").tobytes()}, msgspec.json.encode(head))
    where = ["--redis-url", redis_server.url, "--redis-prefix", "t.rp"]
    assert main(["room", "a", *where]) == 0
    shown = capsys.readouterr().out
    assert "surge" in shown
    assert alert_id_of("a", "surge", START + 25) in shown
    assert "12:20" in shown, "the third line of the window"
    assert main(["room", "a", *where, "--json"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert (view["partition"], view["applied"], view["model"]) == (0, 7, bundle.label)
    assert main(["room", "b", *where]) == 1
    assert "roompulse room: no room 'b' in Redis at redis://" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"shape": None}, "another version"), ({"layout": "x"}, "another version")],
)
def test_a_room_of_another_version_is_not_guessed_at(
    redis_server: RedisServer,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    changes: dict[str, str | None],
    message: str,
) -> None:
    """Its bytes would be read as other fields."""
    lab = Lab()
    head = SavedHead(layout_of(lab.context.dtype), "id", 1, lab.fold.head, shape_of(lab.context.dtype))
    save(redis_server, 0, {b"a": b"1"}, msgspec.json.encode(msgspec.structs.replace(head, **changes)))
    arguments = ["--redis-url", redis_server.url, "--redis-prefix", "t.rp", "--registry", str(tmp_path)]
    assert main(["room", "a", *arguments]) == 1
    assert message in capsys.readouterr().err

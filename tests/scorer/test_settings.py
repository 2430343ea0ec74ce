"""`roompulse settings` and the partitions' part of `roompulse models list`: what is read from checkpoints and told."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roompulse.cli import main
from roompulse.control import ApplySettings, decode_control
from roompulse.local_server import free_port
from roompulse.overrides import Override, Overrides, read_overrides
from roompulse.rooms import layout_of, shape_of
from scorer.adapters.redis_checkpoint import RedisCheckpoint
from scorer.followed import ranges
from scorer.ports import Snapshot
from scorer.recovery import SavedHead
from tests.journeys.live import Live
from tests.scorer.bundles import bundle_at
from tests.scorer.fakes import Event, Lab, context_of, control, promotion, steady, text
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer

FOOD = Overrides(category={"食品": Override(surge_budget=4.0)})
QUIET = Overrides(room={"b": Override(kinds=())})
SECOND = context_of(memory=0.2, model="5" * 64)


def save(server: RedisServer, partition: int, *records: Event, partitions: int = 2, turns: bool = True) -> Lab:
    """A partition's checkpoint after ten minutes of a room and these records."""
    lab = Lab(context_of(memory=0.1), partition)
    lab.fold.know(SECOND)
    lab.send(steady("a", range(10)), *records)
    dtype = lab.context.dtype
    head = (
        lab.fold.head
        if turns
        else msgspec.structs.replace(lab.fold.head, follows=msgspec.structs.replace(lab.fold.head.follows, turns=()))
    )
    saved = SavedHead(layout_of(dtype), "id", partitions, head, shape_of(dtype))
    owner = RedisCheckpoint(server.url, "t.rp")
    owner.claim(partition)
    owner.save(partition, Snapshot(7, msgspec.json.encode(saved), [], (), dict[bytes, bytes]().items))
    owner.close()
    return lab


def held(settings: Overrides) -> Event:
    """A control record with these settings."""
    return control("settings", settings=msgspec.to_builtins(settings))


@pytest.fixture
def where(redis_server: RedisServer) -> list[str]:
    """The flags that name the Redis."""
    return ["--redis-url", redis_server.url, "--redis-prefix", "t.rp"]


def test_what_holds_is_shown_as_a_file_that_can_be_applied(
    redis_server: RedisServer, where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read back it says the same; JSON has each partition."""
    for partition in (0, 1):
        save(redis_server, partition, held(FOOD))
    assert main(["settings", "show", *where]) == 0
    captured = capsys.readouterr()
    assert (captured.out.splitlines()[0], captured.err) == ("# what partition 0-1 holds", "")
    file = tmp_path / "settings.toml"
    file.write_text(captured.out, encoding="utf-8")
    assert read_overrides(file) == FOOD
    assert main(["settings", "show", "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["alike"], told["without_checkpoint"]) == (True, [])
    assert told["partitions"][1] == {
        "partition": 1, "applied": 7, "settings": {"category": {"食品": {"surge_budget": 4.0}}},
    }  # fmt: skip


def test_partitions_that_differ_and_those_that_are_missing_are_named(
    redis_server: RedisServer, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What most of them hold is shown, or what one of them does."""
    for partition, settings in ((0, Overrides()), (2, QUIET), (3, QUIET)):
        save(redis_server, partition, *([held(settings)] if settings != Overrides() else []), partitions=6)
    assert main(["settings", "show", *where]) == 0
    captured = capsys.readouterr()
    assert captured.out == '# what partition 2-3 holds\n[room."b"]\nkinds = []\n'
    assert "partitions differ: 0 hold other settings; --partition N" in captured.err
    assert "no checkpoint yet, so that it is not known what holds: 1, 4-5" in captured.err
    assert main(["settings", "show", "--partition", "0", *where]) == 0
    assert capsys.readouterr().out == "# what partition 0 holds\n# nothing: the model's own thresholds\n"
    assert main(["settings", "show", "--partition", "1", *where]) == 1
    assert "partition 1 has no checkpoint; there are 0, 2-3" in capsys.readouterr().err


@pytest.fixture
def live(kafka: Kafka, redis_server: RedisServer) -> Live:
    """An input topic with two partitions."""
    found = Live(kafka.address, redis_server.url, f"{uuid.uuid4().hex[:8]}.")
    found.create_topics(2)
    return found


def applied(live: Live) -> list[Any]:
    """The records that every partition was told, alike."""
    found = live.records(live.topics.minutes)
    (values,) = {tuple(record.value for record in found.get(partition, [])) for partition in (0, 1)}
    return [decode_control(value) for value in values]


def test_a_file_is_applied_to_all_partitions_once_its_difference_is_shown(
    live: Live, redis_server: RedisServer, where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shown only with --dry-run; written where something changes, is not known, or by force."""
    for partition in (0, 1):
        save(redis_server, partition, held(FOOD))
    file = tmp_path / "settings.toml"
    file.write_text("[rules]\nminimum_excess = 12\n[room.a]\n", encoding="utf-8")
    run = ["settings", "apply", str(file), *where, *live.broker]
    assert main([*run, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    for words in ("partition 0-1", "[rules]", "minimum_excess", "12", '[category."食品"]', "surge_budget", "4"):
        assert words in shown
    assert applied(live) == []
    assert main([*run, "--note", "why", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["changes"], told["partitions_told"], told["without_checkpoint"]) == (2, 2, [])
    assert told["differences"][0]["changes"][0] == {
        "table": "rules", "key": "minimum_excess", "before": None, "after": "12",
    }  # fmt: skip
    expected = ApplySettings(Overrides(Override(minimum_excess=12.0)), "why")
    assert applied(live) == [expected]
    file.write_text('[category."食品"]\nsurge_budget = 4\n', encoding="utf-8")
    assert main([*run]) == 0
    captured = capsys.readouterr()
    assert "partition 0-1: nothing changes" in captured.out
    assert "nothing to do; --force writes the records all the same" in captured.err
    assert applied(live) == [expected]
    assert main([*run, "--force"]) == 0
    assert applied(live) == [expected, ApplySettings(FOOD)]
    capsys.readouterr()
    assert main(["settings", "apply", str(file), "--redis-url", redis_server.url, *live.broker]) == 0
    assert "no partition has a checkpoint yet" in capsys.readouterr().err
    assert len(applied(live)) == 3


def test_what_cannot_be_applied_is_said_in_one_line(
    redis_server: RedisServer, where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong file with line and key, a Redis or Kafka that is away, a note that is too long."""
    save(redis_server, 0, partitions=1)
    wrong, good = tmp_path / "wrong.toml", tmp_path / "good.toml"
    wrong.write_text("[rules]\nminimum_excess = -1\n")
    good.write_text("[rules]\nminimum_excess = 1\n")
    away = f"127.0.0.1:{free_port()}"
    broker = ["--bootstrap-servers", away, "--connect-timeout-s", "0.5"]
    nowhere = ["--redis-url", f"redis://{away}", "--connect-timeout-s", "0.5"]
    for arguments, code, message in (
        (["apply", str(wrong), *where], 1, "wrong.toml, line 2: [rules] minimum_excess: got -1"),
        (["apply", "none.toml", *where], 1, "none.toml: cannot be read: No such file"),
        (["apply", str(good), *nowhere], 1, "cannot reach Redis at"),
        (["show", *nowhere], 1, "cannot reach Redis at"),
        (["show", "--redis-url", redis_server.url], 1, "no checkpoint in Redis at redis://"),
        (["apply", str(good), *where, *broker], 1, "good.toml was not applied: cannot reach Kafka at 127.0.0.1"),
        (["apply", str(good), *where, "--note", "n" * 1025], 2, "note"),
        (["apply", str(good), "--redis-url", "what"], 2, "--redis-url"),
    ):
        assert main(["settings", *arguments]) == code
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert message in said


def test_a_checkpoint_of_another_version_is_not_guessed_at(
    redis_server: RedisServer, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and exit code 1, whether it cannot be read or says too little."""
    save(redis_server, 0, turns=False)
    assert main(["settings", "show", *where]) == 1
    assert "partition 0: the checkpoint was written by another version" in capsys.readouterr().err


def test_models_list_says_what_the_partitions_follow(
    redis_server: RedisServer,
    where: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Champion, since when, who is on the way, who is tried, who is demoted; alike ones on one line."""
    monkeypatch.chdir(tmp_path)
    champion = bundle_at(tmp_path / "a")
    assert main(["models", "promote", "a"]) == 0
    save(redis_server, 0, control("challenger", hash=champion.hash), partitions=5)
    for partition in (1, 2):
        save(redis_server, partition, promotion(SECOND.model, spread_minutes=7), partitions=5)
    save(redis_server, 3, control("serve", forecast="plain"), partitions=5)
    capsys.readouterr()
    assert main(["models", "list", "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["partitions"][:2] == [
        {
            "partition": 0, "applied": 7, "watermark": text(9), "champion": "fake", "since": text(0),
            "turning_until": None, "challenger": champion.label, "served": "network",
        },
        {
            "partition": 1, "applied": 7, "watermark": text(9), "champion": "5" * 8, "since": text(10),
            "turning_until": text(16), "challenger": None, "served": "network",
        },
    ]  # fmt: skip
    assert [row["served"] for row in told["partitions"]] == ["network"] * 3 + ["plain mean"]
    assert told["without_checkpoint"] == [4]
    assert main(["models", "list", *where]) == 0
    shown = capsys.readouterr().out
    assert "no checkpoint yet: partition 4" in shown
    assert "`roompulse models promote champion` ends that" in shown
    (line,) = [line for line in shown.splitlines() if " 1-2 " in line]
    assert text(16) in line
    assert main(["models", "list", "--redis-url", f"redis://127.0.0.1:{free_port()}", "--connect-timeout-s", "1"]) == 1
    captured = capsys.readouterr()
    assert champion.label in captured.out, "the registry is told all the same"
    assert "cannot reach Redis" in captured.err
    assert main(["models", "list", "--redis-url", redis_server.url]) == 0
    assert "no partition has a checkpoint yet" in capsys.readouterr().out
    assert main(["models", "list"]) == 0
    assert "partitions" not in capsys.readouterr().out


def test_numbers_are_told_as_ranges() -> None:
    """In order, neighbours together."""
    assert ranges([5, 0, 1, 2, 7]) == "0-2, 5, 7"
    assert ranges([]) == ""

"""`roompulse models promote`, `rollback` and `retire`: what the scorers are told, and when nobody is."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from roompulse.bundle import Bundle
from roompulse.cli import main
from roompulse.control import Challenge, Control, FollowModel, decode_control
from roompulse.errors import BrokerError, InputError
from roompulse.kafka_control import control_teller
from roompulse.kafka_topics import create_topics
from roompulse.local_server import free_port
from roompulse.settings import Settings
from roompulse.topics import CONTROL_SCHEMA, SCHEMA_HEADER, Topics
from tests.journeys.live import Live
from tests.scorer.bundles import bundle_at, card
from tests.services.kafka import Kafka

PARTITIONS = 3


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default registry is `models` in the working folder, and no Kafka is named."""
    monkeypatch.chdir(tmp_path)
    for name in ("REGISTRY", "BOOTSTRAP_SERVERS", "TOPIC_PREFIX"):
        monkeypatch.delenv(f"ROOMPULSE_{name}", raising=False)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Bundle, Bundle]:
    """Two bundles in the folders a and b."""
    return bundle_at(tmp_path / "a", "1"), bundle_at(tmp_path / "b", "2")


@pytest.fixture
def live(kafka: Kafka) -> Live:
    """An input topic with three partitions."""
    found = Live(kafka.address, "", f"{uuid.uuid4().hex[:8]}.")
    found.create_topics(PARTITIONS)
    return found


def told(capsys: pytest.CaptureFixture[str], live: Live | None, *arguments: str) -> dict[str, Any]:
    """Run an action against a Kafka; returns its summary."""
    where = () if live is None else live.broker
    assert main(["models", *arguments, *where, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def controls(live: Live) -> list[Control]:
    """The control records of the input, which every partition has alike and in the same order."""
    found = live.records(live.topics.minutes)
    assert sorted(found) == list(range(PARTITIONS))
    for records in found.values():
        assert all(record.headers == [(SCHEMA_HEADER, CONTROL_SCHEMA.encode())] for record in records)
        assert all(record.key is None for record in records)
    (values,) = {tuple(record.value for record in records) for records in found.values()}
    return [decode_control(value) for value in values]


def test_every_partition_is_told_of_every_change(
    live: Live, two: tuple[Bundle, Bundle], capsys: pytest.CaptureFixture[str]
) -> None:
    """Promotions, also of what is champion already, a trial and its end, a way back: each partition has them all."""
    first, second = two
    assert told(capsys, live, "promote", "a")["partitions_told"] == PARTITIONS
    told(capsys, live, "promote", "b", "--spread-minutes", "30", "--begins", "2024-05-01T10:00:00Z", "--note", "why")
    again = told(capsys, live, "promote", second.label)
    assert (again["changed"], again["partitions_told"]) == (False, PARTITIONS)
    told(capsys, live, "promote", "a", "--as", "challenger")
    assert told(capsys, live, "rollback")["model"] == first.label
    ended = told(capsys, live, "retire", "challenger", "--note", "no better")
    assert ended == {"alias": "challenger", "model": None, "changed": True, "partitions_told": PARTITIONS}
    assert told(capsys, live, "retire", "challenger")["changed"] is False
    assert controls(live) == [
        FollowModel(first.hash, first.label),
        FollowModel(second.hash, second.label, 30, "2024-05-01T10:00:00Z", "why"),
        FollowModel(second.hash, second.label),
        Challenge(first.hash, first.label),
        FollowModel(first.hash, first.label),
        Challenge(None, note="no better"),
        Challenge(None),
    ]


def test_a_challenger_is_retired_and_comes_back(two: tuple[Bundle, Bundle], capsys: pytest.CaptureFixture[str]) -> None:
    """A rollback undoes the retirement; a promotion after it is rolled back to the trial before, never to none."""
    first, second = two
    for arguments in (("promote", "a"), ("promote", "a", "--as", "challenger"), ("promote", "b", "--as", "challenger")):
        told(capsys, None, *arguments)
    told(capsys, None, "retire", "challenger")
    assert told(capsys, None, "list")["challenger"] is None
    assert told(capsys, None, "verify")["checked"] == 3
    assert main(["models", "show", "challenger"]) == 1
    assert "the challenger was retired; `roompulse models promote" in capsys.readouterr().err
    assert told(capsys, None, "rollback", "--as", "challenger")["model"] == second.label
    told(capsys, None, "retire", "challenger")
    assert told(capsys, None, "promote", "a", "--as", "challenger")["rollback_goes_to"] == second.label
    assert told(capsys, None, "rollback", "--as", "challenger")["rollback_goes_to"] == first.label
    changes = told(capsys, None, "show", second.label)["changes"]
    assert [change["how"] for change in changes] == ["promoted", "retired", "rolled back", "retired", "rolled back"]


def test_without_a_kafka_nobody_is_told_and_that_is_said(
    two: tuple[Bundle, Bundle], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry changes; one line says what to do. A variable names Kafka as well as the flag does."""
    assert main(["models", "promote", "a"]) == 0
    said = capsys.readouterr().err
    assert f"{two[0].label} is champion in the registry; no scorer was told: name Kafka with --bootstrap-serv" in said
    assert said.count("\n") == 1
    main(["models", "promote", "b"])
    capsys.readouterr()
    assert main(["models", "rollback"]) == 0
    assert f"run `roompulse models promote {two[0].label} --as champion`, which is safe" in capsys.readouterr().err
    monkeypatch.setenv("ROOMPULSE_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    assert main(["models", "promote", "b", "--connect-timeout-s", "0.5"]) == 1
    assert "cannot reach Kafka at 127.0.0.1:" in capsys.readouterr().err


def test_a_kafka_that_is_away_changes_nothing(
    two: tuple[Bundle, Bundle], capsys: pytest.CaptureFixture[str], kafka: Kafka
) -> None:
    """Nor does one without the topic: the alias stays where it was."""
    told(capsys, None, "promote", "a")
    away = ("--bootstrap-servers", f"127.0.0.1:{free_port()}", "--connect-timeout-s", "0.5")
    other = ("--bootstrap-servers", kafka.address, "--topic-prefix", "nobody.")
    for where, message in ((away, "cannot reach Kafka"), (other, "topic nobody.live.room.minutes does not exist")):
        for action in (("promote", "b"), ("promote", "b", "--as", "challenger"), ("rollback",)):
            assert main(["models", *action, *where]) == 1
            assert message in capsys.readouterr().err
    listed = told(capsys, None, "list")
    assert (listed["champion"], listed["challenger"]) == (two[0].label, None)


def test_what_fails_after_the_registry_has_changed_says_how_to_go_on(
    live: Live, two: tuple[Bundle, Bundle], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alias has moved, no scorer was told, and the same command makes it right; a rollback names another one."""
    bundle_at(Path("loser"), "3", card(network=9.0))

    def fail(*arguments: object) -> None:
        raise BrokerError("cannot write: away")

    told(capsys, live, "promote", "loser", "--force")
    told(capsys, live, "promote", "a")
    with monkeypatch.context() as patch:
        patch.setattr("roompulse.kafka_control._send_all", fail)
        assert main(["models", "rollback", *live.broker]) == 1
    said = capsys.readouterr().err
    assert "is champion in the registry again, but no scorer was told: cannot write: away; run `roompulse" in said
    command = said.split("`")[1].split()
    assert command[-2:] == ["champion", "--force"]
    assert told(capsys, live, *command[2:])["changed"] is False
    last = controls(live)[-1]
    assert isinstance(last, FollowModel)
    assert last.label == command[3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["promote", "a", "--spread-minutes", "0"], "spread_minutes"),
        (["promote", "a", "--spread-minutes", "1441"], "spread_minutes"),
        (["promote", "a", "--spread-minutes", "five"], "invalid int value"),
        (["promote", "a", "--begins", "noon"], "begins: got 'noon': expected RFC 3339"),
        (["promote", "a", "--begins", "2024-05-01T10:00:30Z"], "expected"),
        (["promote", "a", "--note", "n" * 1025], "note"),
        (["promote", "a", "--note", "\udcff"], "expected UTF-8"),
        (["promote", "a", "--as", "challenger", "--spread-minutes", "5"], "--spread-minutes: a challenger is tried"),
        (["rollback", "--as", "challenger", "--begins", "2024-05-01T10:00:00Z"], "--begins: a challenger is tried"),
        (["retire"], "required: challenger"),
        (["retire", "champion"], "invalid choice: 'champion'"),
        (["promote", "a", "--bootstrap-servers", "no where"], "--bootstrap-servers: got 'no where'"),
        (["promote", "a", "--bootstrap-servers", ","], "expected host:port"),
    ],
)
def test_wrong_values_change_nothing(
    two: tuple[Bundle, Bundle], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit code 2 in one line, before bundle, registry or Kafka are looked at."""
    try:
        code = main(["models", *arguments])
    except SystemExit as exited:
        code = int(exited.code or 0)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("roompulse")]
    assert (code, len(said)) == (2, 1)
    assert message in said[0]
    assert not Path("models", "champion").exists()


def test_two_who_promote_at_once_do_so_one_after_the_other(live: Live, two: tuple[Bundle, Bundle]) -> None:
    """Whatever the order, the partitions follow what the registry ends with, and each was told of both alike."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "roompulse", "models", "promote", name, *live.broker, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for process in running:
        _, said = process.communicate(timeout=90)
        assert process.returncode == 0, said
    written = controls(live)
    assert {control.hash for control in written if isinstance(control, FollowModel)} == {two[0].hash, two[1].hash}
    champion = json.loads(Path("models", "champion").read_text())
    last = written[-1]
    assert isinstance(last, FollowModel)
    assert last.hash == champion["hash"]


def test_a_record_that_the_topic_does_not_take_is_refused(kafka: Kafka) -> None:
    """With both sizes, before anything is sent."""
    settings = Settings(bootstrap_servers=kafka.address, topic_prefix=f"{uuid.uuid4().hex[:8]}.", partitions=1)
    create_topics(settings, Topics(settings.topic_prefix))
    with control_teller(settings) as tell:
        with pytest.raises(InputError, match=r"the record has 2,000,000 bytes, and topic .* takes 1,048,588"):
            tell(b"x" * 2_000_000)
        assert tell(b"{}") == 1

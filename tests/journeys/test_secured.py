"""Kafka over TLS with users, Redis over TLS with an ACL user: the same bytes, and clear words where one is refused."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roompulse.bundle import default_bundle
from tests.journeys.live import Live, backtest, lines_by_room, roompulse
from tests.require import require, shared_data
from tests.services.certificates import Certificate, make_authority, make_certificate
from tests.services.secured import SecuredKafka, SecuredRedis

PASSWORD = "corr3ct-h0rse"
PATIENCE_S = 30.0
PARTITIONS = 2
BILIBILI = ("--columns", "room_id=room_id,minute=minute,watch_ucnt=danmaku", "--end", "2019-05-10 21:00")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A server's certificate, from an authority of this run."""
    return make_certificate(make_authority(tmp_path_factory.mktemp("certificates")), "server")


@pytest.fixture(scope="module")
def broker(certificate: Certificate) -> Iterator[SecuredKafka]:
    """A Kafka with users."""
    require("Java 17", subprocess.run(["java", "-version"], capture_output=True).returncode == 0, "openjdk-17-jre")
    with SecuredKafka(certificate, PASSWORD) as server:
        yield server


@pytest.fixture
def store(certificate: Certificate) -> Iterator[SecuredRedis]:
    """A Redis with TLS."""
    with SecuredRedis(certificate) as server:
        yield server


@pytest.fixture
def live(
    broker: SecuredKafka,
    store: SecuredRedis,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
) -> Live:
    """An installation of this test alone: its commands come over TLS, as a user who may do what the page says."""
    live = Live(broker.users, store.url(), f"t{uuid.uuid4().hex[:8]}.")
    broker.allow(live.prefix)
    store.allow(PASSWORD, live.prefix)
    for name, value in {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_PASSWORD": PASSWORD,
        "KAFKA_CA_FILE": str(certificate.authority),
        "REDIS_PASSWORD": PASSWORD,
        "REDIS_CA_FILE": str(certificate.authority),
    }.items():
        monkeypatch.setenv(f"ROOMPULSE_{name}", value)
    return live


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Say which user the next commands are."""
    return lambda user: monkeypatch.setenv("ROOMPULSE_KAFKA_USERNAME", user)


@pytest.mark.parametrize(("client", "mechanism"), [("kafka-python", "SCRAM-SHA-256"), ("confluent", "SCRAM-SHA-512")])
def test_over_tls_as_restricted_users_the_bytes_are_those_of_a_plain_run(
    live: Live,
    broker: SecuredKafka,
    as_user: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    client: str,
    mechanism: str,
) -> None:
    """Topics, producer, scorer and reader each as the user that docs/security.md gives them, and one of Redis."""
    monkeypatch.setenv("ROOMPULSE_KAFKA_SASL_MECHANISM", mechanism)
    history = str(shared_data("bilibili_live_2019", "sessions_minutes.csv"))
    backtest(tmp_path / "out", history, *BILIBILI)
    as_user("operator")
    live.create_topics(PARTITIONS)
    as_user("producer")
    live.produce(history, *BILIBILI)
    as_user("scorer")
    group = ("--group-id", f"{live.prefix}roompulse-scorer", "--client", client)
    assert live.score_to_end(*group)["unaccounted"] == 0
    assert live.score_to_end(*group)["events_in"] == 0, "it goes on from the checkpoint"
    plain = Live(broker.address, "", live.prefix)
    assert plain.by_room(live.topics.forecasts) == lines_by_room(tmp_path / "out" / "forecasts.jsonl")
    assert plain.by_room(live.topics.alerts) == lines_by_room(tmp_path / "out" / "alerts.jsonl")


def test_every_other_command_does_with_what_the_page_allows(
    live: Live, as_user: Callable[[str], None], tmp_path: Path
) -> None:
    """Words, watching, labels, forwarding, models and settings: each as its user, and no more than that is needed."""
    history = str(shared_data("bilibili_live_2019", "sessions_minutes.csv"))
    as_user("operator")
    live.create_topics(PARTITIONS)
    live.must("topics", *live.broker)
    live.must("models", "promote", str(default_bundle()), *live.broker, "--registry", str(tmp_path / "models"))
    (tmp_path / "settings.toml").write_text("[rules]\nsurge_budget = 3\n", encoding="utf-8")
    live.must("settings", "apply", str(tmp_path / "settings.toml"), *live.broker, *live.redis)
    as_user("producer")
    live.produce(history, *BILIBILI)
    as_user("scorer")
    live.score_to_end("--group-id", f"{live.prefix}roompulse-scorer")
    live.must("models", "list", "--registry", str(tmp_path / "models"), *live.redis)
    assert "surge_budget = 3" in roompulse("settings", "show", *live.redis).stdout
    as_user("reader")
    seen = roompulse("watch", "forecasts", "--since", "earliest", "--no-follow", "--json", *live.broker)
    assert seen.returncode == 0, seen.stderr
    assert seen.stdout.count("\n") > 100
    room = json.loads(seen.stdout.splitlines()[0])["room_id"]
    live.must("room", room, *live.redis)
    as_user("producer")
    live.must("snooze", room, "--for", "30m", *live.broker)
    as_user("reader")
    live.must("labels", "--out", str(tmp_path / "labels.csv"), *live.broker)
    as_user("producer")
    refused = roompulse("watch", "alerts", "--since", "earliest", "--no-follow", *live.broker)
    assert refused.returncode == 1, "a producer may not read"


def test_a_client_certificate_does_instead_of_a_password(
    live: Live, broker: SecuredKafka, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener that asks for one lets its owner in, and says no to who comes without."""
    for name in ("KAFKA_PASSWORD", "KAFKA_USERNAME"):
        monkeypatch.delenv(f"ROOMPULSE_{name}", raising=False)
    monkeypatch.setenv("ROOMPULSE_KAFKA_SECURITY_PROTOCOL", "SSL")
    named = Live(broker.certificates, "", live.prefix)
    client = make_certificate(certificate.authority, "client")
    own = ("--kafka-cert-file", str(client.cert), "--kafka-key-file", str(client.key))
    named.must("topics", "create", *named.broker, *own)
    assert "cannot reach Kafka" in refused("topics", *named.broker, "--connect-timeout-s", "3")


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        ((), {"KAFKA_PASSWORD": "wr0ng"}, "{kafka} (tried for 3 s): the login of 'scorer' by SCRAM-SHA-512 is refused"),
        (("--kafka-ca-file", "{other}"), {}, "{kafka} (tried for 3 s): its certificate is refused: "),
        (("--bootstrap-servers", "{plain}"), {}, "{plain} (tried for 3 s): no TLS with {plain}: "),
        ((), {"REDIS_PASSWORD": "wr0ng"}, "refuses us: "),
        (("--redis-ca-file", "{other}"), {}, "certificate verify failed"),
        (("--redis-prefix", "another"), {}, "refuses us: this user has no permissions to access one of the keys"),
    ],
)
def test_who_is_refused_is_told_why_in_one_line_and_soon(
    live: Live,
    broker: SecuredKafka,
    as_user: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    variables: dict[str, str],
    said: str,
) -> None:
    """Wrong password, unknown authority, a plain port behind TLS, a key that the user may not touch: exit code 1."""
    as_user("scorer")
    for name, value in variables.items():
        monkeypatch.setenv(f"ROOMPULSE_{name}", value)
    places = {"kafka": broker.users, "plain": broker.address, "other": str(make_authority(tmp_path, "other"))}
    command = (
        "score", *live.broker, *live.redis, "--group-id", f"{live.prefix}roompulse-scorer", "--metrics-port", "0",
        "--connect-timeout-s", "3", *(flag.format(**places) for flag in flags),
    )  # fmt: skip
    if "another" in flags:
        as_user("operator")
        live.create_topics(PARTITIONS)
        as_user("scorer")
    assert said.format(**places) in refused(*command)


def refused(*arguments: str) -> str:
    """Run a command that must end with one line and exit code 1 in time, without a password in it."""
    began = time.monotonic()
    done = roompulse(*arguments)
    assert time.monotonic() - began < PATIENCE_S
    lines = [line for line in done.stderr.splitlines() if line.startswith("roompulse ")]
    assert (done.returncode, len(lines)) == (1, 1), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert "wr0ng" not in done.stdout + done.stderr
    return lines[0]

"""The way to Kafka for producer, scorer and watch: clients that are set up alike.

Time limits, so that nothing hangs for minutes: a broker that cannot be reached is given up after `connect_timeout_s`, a
request after 10 s, a record that could not be delivered after a minute.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka import errors as vendor

from roompulse.errors import BrokerError, UsageError
from roompulse.kafka_errors import UNREACHABLE, errors_in_log, login_trouble, quiet_client_log, translated
from roompulse.kafka_security import kafka_python_security
from roompulse.settings import Settings
from roompulse.tls import refusal

REQUEST_TIMEOUT_S = 10.0
DELIVERY_TIMEOUT_S = 60.0
TRANSACTION_TIMEOUT_S = 10.0
TRANSACTION_WAIT_S = 20.0
"""How long delivery, positions and commit may each take: longer than one request, so that it can be repeated."""

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""The largest record that the clients themselves let through; every topic has a limit of its own, usually 1 MB."""


def _common(settings: Settings, role: str) -> dict[str, Any]:
    quiet_client_log()
    if not settings.servers:
        raise UsageError("--bootstrap-servers is empty: expected host:port")
    return {
        "bootstrap_servers": list(settings.servers),
        "client_id": f"roompulse-{role}",
        "bootstrap_timeout_ms": int(settings.connect_timeout_s * 1000),
        "request_timeout_ms": int(REQUEST_TIMEOUT_S * 1000),
        "reconnect_backoff_max_ms": 1000,
    } | kafka_python_security(settings)


def _connect(settings: Settings, client: Any, config: Mapping[str, Any]) -> Any:
    """Build a client. Raises BrokerError within `connect_timeout_s` where no broker answers."""
    networks: list[Any] = []

    def network(**options: Any) -> Any:
        # A constructor that fails leaves its thread behind, and no other way to reach it.
        networks.append(client.DEFAULT_CONFIG["kafka_client"](**options))
        return networks[-1]

    try:
        with errors_in_log() as seen:
            return client(**config, kafka_client=network)
    except vendor.KafkaError as error:
        for failed in networks:
            failed.close()
        if isinstance(error, UNREACHABLE):
            raise BrokerError(_unreachable(settings, config.get("ssl_context"), seen)) from error
        raise translated(f"cannot use Kafka at {settings.bootstrap_servers}", error) from error


def _unreachable(settings: Settings, tls: ssl.SSLContext | None, seen: Sequence[BaseException]) -> str:
    """Why no broker was found: where it was looked for, and what was wrong with certificate or login."""
    why = ""
    if tls is not None:
        why = next(filter(None, (refusal(server, tls) for server in settings.servers)), "")
    if not why and settings.kafka_security_protocol.startswith("SASL_"):
        why = login_trouble(settings.kafka_username, settings.kafka_sasl_mechanism, seen)
    waited = f"tried for {settings.connect_timeout_s:g} s"
    return f"cannot reach Kafka at {settings.bootstrap_servers} ({waited})" + (f": {why}" if why else "")


def make_producer(settings: Settings, transactional_id: str | None = None) -> Any:
    """A KafkaProducer: idempotent, acks=all, lz4, murmur2 by key. Raises BrokerError within `connect_timeout_s`.

    Its `send` keeps any number of records in memory and never waits: who sends without end has to `flush` now and then.
    With a `transactional_id` the caller goes on with `init_transactions`.
    """
    config = _common(settings, "producer") | {
        "acks": "all",
        "compression_type": "lz4",
        # Below the brokers' usual limit of 1 MB for a batch, even where nothing can be compressed.
        "batch_size": 256 * 1024,
        "linger_ms": 20,
        "max_request_size": MAX_RECORD_BYTES,
        "max_block_ms": int(2 * REQUEST_TIMEOUT_S * 1000),
        "delivery_timeout_ms": int(DELIVERY_TIMEOUT_S * 1000),
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }
    if transactional_id is not None:
        config["transactional_id"] = transactional_id
        config["transaction_timeout_ms"] = int(TRANSACTION_TIMEOUT_S * 1000)
    return _connect(settings, KafkaProducer, config)


def discard_producer(producer: Any) -> None:
    """Let go of a producer and of what it has not delivered, at once. Never raises.

    Its own `close` gives up, and leaves its thread running, where records wait for a broker that is away.
    """
    producer._sender.force_close()
    with contextlib.suppress(vendor.KafkaError):
        producer.close(timeout=1)


def make_consumer(settings: Settings, group_id: str | None = None, **overrides: Any) -> Any:
    """A KafkaConsumer that sees committed records only, and never commits or jumps by itself.

    `overrides` are kafka-python's own names, such as `auto_offset_reset="latest"`. Raises BrokerError within
    `connect_timeout_s`.
    """
    config = _common(settings, "consumer") | {
        "group_id": group_id,
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "fetch_max_wait_ms": 50,
        # A larger record still comes through: a broker gives at least one.
        "max_partition_fetch_bytes": 512 * 1024,
        "session_timeout_ms": int(settings.session_timeout_s * 1000),
        "heartbeat_interval_ms": int(settings.session_timeout_s * 1000 / 4),
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }
    return _connect(settings, KafkaConsumer, config | overrides)


def make_admin(settings: Settings) -> Any:
    """A KafkaAdminClient, to be used as a context. Raises BrokerError within `connect_timeout_s`."""
    return _connect(settings, KafkaAdminClient, _common(settings, "admin"))


def started(call: Callable[..., object], *arguments: object) -> Future[None]:
    """Run a call that may never return in a thread that does not keep the process alive."""
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            call(*arguments)
        except BaseException as error:  # noqa: BLE001 - raised again where the outcome is asked for
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    threading.Thread(target=run, name="kafka-transaction", daemon=True).start()
    return outcome

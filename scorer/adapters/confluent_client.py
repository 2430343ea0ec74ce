"""How the confluent clients are set up: as `roompulse.kafka_client` sets up kafka-python's, limit for limit."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from roompulse.errors import BrokerError, FencedError
from roompulse.kafka_client import MAX_RECORD_BYTES, REQUEST_TIMEOUT_S, TRANSACTION_TIMEOUT_S
from roompulse.kafka_security import security_of
from roompulse.settings import Settings

FENCED = {
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
}
"""This transactional id went on without us."""
_LEFT_BEHIND = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
}
"""The group went on without us."""

BATCH_BYTES = 256 * 1024
"""Below the brokers' usual limit of 1 MB for a batch, even where nothing can be compressed."""

_log = logging.getLogger("roompulse.kafka")


def common(settings: Settings, role: str) -> dict[str, Any]:
    """What every client of a process shares. The library's own log goes to the debug level of ours."""
    return {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": f"roompulse-{role}",
        "socket.timeout.ms": int(REQUEST_TIMEOUT_S * 1000),
        "reconnect.backoff.max.ms": 1000,
        # Brokers that are away stay known. "rebootstrap" drops them, and what waits for one of them waits on.
        "metadata.recovery.strategy": "none",
        "allow.auto.create.topics": False,
        "logger": _library_log(),
    } | _security(settings)


def _security(settings: Settings) -> dict[str, Any]:
    """The library's names for what `KafkaSecurity` says. Raises what that raises."""
    security = security_of(settings)
    said = {
        "security.protocol": security.protocol,
        "sasl.mechanism": security.mechanism,
        "sasl.username": security.username,
        "sasl.password": security.password,
        "ssl.ca.location": security.ca_file,
        "ssl.certificate.location": security.cert_file,
        "ssl.key.location": security.key_file,
    }
    return {name: value for name, value in said.items() if value}


def consumer_config(settings: Settings, max_poll_interval_s: float) -> dict[str, Any]:
    """A member of the group that sees committed records only, and never commits or jumps by itself."""
    static = {"group.instance.id": settings.instance} if settings.static_membership else {}
    return (
        common(settings, "consumer")
        | static
        | {
            "group.id": settings.group_id,
            "partition.assignment.strategy": "cooperative-sticky",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            # The position after the last marker: messages alone do not tell it.
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "max.partition.fetch.bytes": 4 * 1024 * 1024,
            # Read ahead of the loop, for each partition; the library's own 64 MB would be gigabytes with many of them.
            "queued.max.messages.kbytes": 8 * 1024,
            "session.timeout.ms": int(settings.session_timeout_s * 1000),
            "heartbeat.interval.ms": int(settings.session_timeout_s * 1000 / 4),
            "max.poll.interval.ms": int(max(max_poll_interval_s, settings.session_timeout_s) * 1000),
        }
    )


def producer_config(settings: Settings, transactional_id: str, batch_bytes: int) -> dict[str, Any]:
    """A transactional producer: lz4, and no tight limit on what waits, for a batch bounds a transaction."""
    return common(settings, "producer") | {
        "transactional.id": transactional_id,
        "transaction.timeout.ms": int(TRANSACTION_TIMEOUT_S * 1000),
        "delivery.timeout.ms": int(TRANSACTION_TIMEOUT_S * 1000),
        "compression.type": "lz4",
        "delivery.report.only.error": True,
        "batch.size": batch_bytes,
        "linger.ms": 20,
        "message.max.bytes": MAX_RECORD_BYTES,
        "queue.buffering.max.messages": 2_000_000,
        "queue.buffering.max.kbytes": 2_000_000,
    }


def translated(doing: str, error: KafkaError) -> BrokerError:
    """Our error for one of the library's; `doing` starts the message."""
    text = f"{doing}: {error.name()}" + (f": {error.str()}" if error.str() else "")
    return FencedError(text) if error.code() in FENCED | _LEFT_BEHIND else BrokerError(text)


def error_of(raised: KafkaException) -> KafkaError:
    """The library's error within its exception."""
    error: KafkaError = raised.args[0]
    return error


class confluent_errors:  # noqa: N801 - reads as a statement: `with confluent_errors("cannot commit"):`
    """Turn the library's exceptions into ours; `doing` starts the message."""

    __slots__ = ("doing",)

    def __init__(self, doing: str) -> None:
        self.doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, KafkaException):
            raise translated(self.doing, error_of(error)) from error


def membership_of(consumer: Consumer) -> bytes | None:
    """What describes a consumer as a member of its group; None while it takes itself for none.

    The generation stands behind a mark of seven letters; one that was put out has none, or no name.
    """
    membership: bytes = consumer.consumer_group_metadata()
    generation = int.from_bytes(membership[7:11], sys.byteorder, signed=True)
    return membership if generation >= 0 and consumer.memberid() else None


def _library_log() -> logging.Logger:
    logger = logging.getLogger("roompulse.kafka.librdkafka")
    if not logger.filters:
        logger.addFilter(_to_debug)
    return logger


def _to_debug(record: logging.LogRecord) -> bool:
    _log.debug("librdkafka: %s", record.getMessage())
    return False

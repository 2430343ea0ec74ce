"""The settings of a process: one class, one prefix. A flag wins over `ROOMPULSE_*`, which wins over the default."""

from __future__ import annotations

import argparse
import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from roompulse.errors import UsageError
from roompulse.setting_values import (
    one_of,
    parse_budget,
    parse_flag,
    parse_hashes,
    parse_port,
    parse_positive,
    parse_prefix,
    parse_seconds,
    parse_seconds_or_never,
    parse_servers,
    parse_share,
    parse_web_address,
)
from roompulse.stderr_log import FORMATS

PREFIX = "ROOMPULSE_"

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
SASL_MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")

KAFKA = (
    "bootstrap_servers", "kafka_security_protocol", "kafka_sasl_mechanism", "kafka_username", "kafka_password_file",
    "kafka_ca_file", "kafka_cert_file", "kafka_key_file",
)  # fmt: skip
"""What every command is told that goes to Kafka."""
REDIS = (
    "redis_url", "redis_cluster", "redis_prefix", "redis_password_file", "redis_ca_file", "redis_cert_file",
    "redis_key_file",
)  # fmt: skip
"""What every command is told that goes to Redis."""

Loaded = TypeVar("Loaded")


def setting(default: Any, text: str, parse: Callable[[str], Any] = str, *, secret: bool = False) -> Any:
    """A field of a settings class: its default, its line of help, and what reads it or raises ValueError.

    A `secret` has a variable and no flag, since every list of processes shows flags; it is never printed.
    """
    return field(default=default, metadata={"help": text, "parse": parse, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a process can be told. Thresholds of alerts stand in the model, or in the file `settings`."""

    bootstrap_servers: str = setting("127.0.0.1:9092", "Kafka brokers as host:port, separated by commas", parse_servers)
    kafka_security_protocol: str = setting(
        "PLAINTEXT", f"how Kafka is spoken to: {', '.join(SECURITY_PROTOCOLS)}", one_of(*SECURITY_PROTOCOLS)
    )
    kafka_sasl_mechanism: str = setting(
        "SCRAM-SHA-512", f"how the password is shown to Kafka: {' or '.join(SASL_MECHANISMS)}", one_of(*SASL_MECHANISMS)
    )
    kafka_username: str = setting("", "user of SASL_SSL and SASL_PLAINTEXT")
    kafka_password: str = setting("", "that user's password", secret=True)
    kafka_password_file: str = setting("", f"file with that user's password (or the variable {PREFIX}KAFKA_PASSWORD)")
    kafka_ca_file: str = setting("", "PEM file of the authorities that brokers' certificates may come from")
    kafka_cert_file: str = setting("", "PEM file with this client's certificate, for brokers that ask for one")
    kafka_key_file: str = setting("", "PEM file with the key of that certificate, not encrypted")
    topic_prefix: str = setting("", "text put in front of every topic name as it is, such as 'staging.'", parse_prefix)
    client: str = setting(
        "kafka-python",
        "Kafka client: kafka-python, confluent (the extra `fast`), or auto: confluent where it is installed",
        one_of("auto", "kafka-python", "confluent"),
    )
    partitions: int = setting(4, "partitions of topics that have to be created", parse_positive)
    replication_factor: int = setting(1, "replicas of topics that have to be created", parse_positive)
    create_topics: bool = setting(True, "create missing topics", parse_flag)
    group_id: str = setting("roompulse-scorer", "consumer group of the scorers that share the work")
    instance_id: str = setting(
        "",
        "stable name of this scorer; two that run at once need two names (default: host name and metrics port)",
    )
    static_membership: bool = setting(
        False, "keep this scorer's partitions for it while it restarts, until the session times out"
    )
    session_timeout_s: float = setting(10.0, "Kafka takes partitions from a scorer silent for this long", parse_seconds)
    connect_timeout_s: float = setting(10.0, "give up on a server that cannot be reached at the start", parse_seconds)
    max_batch: int = setting(5000, "most records in one transaction", parse_positive)
    max_message_bytes: int = setting(1_000_000, "dead letters are cut to this many bytes", parse_positive)
    max_rooms: int = setting(
        1_000_000, "most rooms of one partition; minutes of new ones beyond that are dead letters", parse_positive
    )
    partitioner: str = setting(
        "any",
        "refuse records that lie on another partition than this function's: murmur2, crc32 or any",
        one_of("any", "murmur2", "crc32"),
    )
    redis_url: str = setting("redis://127.0.0.1:6379/0", "Redis that holds the checkpoint")
    redis_cluster: bool = setting(False, "the URL names one node of a Redis Cluster", parse_flag)
    redis_prefix: str = setting("rp", "first part of every Redis key", parse_prefix)
    redis_password: str = setting("", "the password, in place of one in the URL", secret=True)
    redis_password_file: str = setting(
        "", f"file with the password, in place of one in the URL (or the variable {PREFIX}REDIS_PASSWORD)"
    )
    redis_ca_file: str = setting("", "PEM file of the authorities that a rediss:// server's certificate may come from")
    redis_cert_file: str = setting("", "PEM file with this client's certificate, for a Redis that asks for one")
    redis_key_file: str = setting("", "PEM file with the key of that certificate, not encrypted")
    max_dirty_rooms: int = setting(200_000, "rooms kept for a Redis that is away before reading pauses", parse_positive)
    rebuild_hours: float = setting(24.0, "how far back to re-read the topic when the checkpoint is lost", parse_seconds)
    metrics_host: str = setting("127.0.0.1", "address on which /metrics, /healthz and /readyz are served")
    metrics_port: int = setting(9108, "port of /metrics, /healthz and /readyz; 0 takes a free one", parse_port)
    model: str = setting(
        "", "folder of the model bundle, or of a registry: its champion (default: the one shipped with RoomPulse)"
    )
    settings: str = setting(
        "", "TOML file with thresholds of alerts for all rooms, by category and by room (default: the model's own)"
    )
    surge_budget: float | None = setting(
        None, "surges that a reader wants to see of a room in a day (default: what settings or model say)", parse_budget
    )
    slump_budget: float | None = setting(None, "the same of slumps", parse_budget)
    registry: str = setting("models", "folder of the model registry")
    ignore_models: str = setting(
        "", "hashes of bundles, separated by commas: control records that name them are passed over", parse_hashes
    )
    auto_demote: bool = setting(
        True, "let a partition serve the plain mean once the network's error was above the mean's over a day"
    )
    shadow_share: float = setting(0.1, "share of the rooms on which a challenger is tried, 0 to 1", parse_share)
    quiet_clock_s: float = setting(
        120.0, "write a clock record to a partition that has been quiet for so long; 0: never", parse_seconds_or_never
    )
    log_level: str = setting("info", "debug, info, warning or error", one_of("debug", "info", "warning", "error"))
    log_format: str = setting("human", "log lines to read, or JSON objects: human or json", one_of(*FORMATS))
    otlp_endpoint: str = setting(
        "", "receiver of a trace of each batch, such as http://collector:4318", parse_web_address
    )

    @property
    def servers(self) -> tuple[str, ...]:
        """The brokers one by one."""
        return tuple(part.strip() for part in self.bootstrap_servers.split(",") if part.strip())

    @property
    def instance(self) -> str:
        """The stable name of this scorer, which becomes its transactional id."""
        return self.instance_id or f"{socket.gethostname()}-{self.metrics_port}"

    def __repr__(self) -> str:
        def shown(item: Field[Any]) -> Any:
            value = getattr(self, item.name)
            return "***" if value and item.metadata["secret"] else _masked(value)

        return f"Settings({', '.join(f'{item.name}={shown(item)!r}' for item in fields(self))})"


def _masked(value: Any) -> Any:
    """A URL's password, hidden: settings end up in logs. It reaches to the last @, for people do not escape it.

    One that lost its scheme still has its password.
    """
    if not isinstance(value, str):
        return value
    value = re.sub(r"(://[^:/@]*:).+@" if "://" in value else r"^(/*[^:/@]*:).+@", r"\1***@", value)
    return re.sub(r"([?&]password=)[^&]+", r"\1***", value)


def masked(text: str) -> str:
    """A URL fit for a log line or an error message: its password is hidden."""
    return str(_masked(text))


def add_settings(parser: argparse.ArgumentParser, *names: str, kind: type[Any] = Settings) -> None:
    """Give a command the flags of these settings, each shown with its variable and default.

    `kind` is a dataclass of `setting` fields: a command may have some of its own.
    """
    known_groups = (group for group in parser._action_groups if group.title == "settings")
    group = next(known_groups, None) or parser.add_argument_group("settings")
    known = {item.name: item for item in fields(kind)}
    for name in names:
        item = known[name]
        default = (
            ""
            if item.default in ("", None)
            else f", default {str(item.default).lower() if isinstance(item.default, bool) else item.default}"
        )
        text = f"{item.metadata['help']} [{PREFIX}{name.upper()}{default}]".replace("%", "%%")
        flag = "--" + name.replace("_", "-")
        if isinstance(item.default, bool):
            group.add_argument(flag, dest=name, default=None, action=argparse.BooleanOptionalAction, help=text)
        else:
            group.add_argument(flag, dest=name, default=None, metavar=_metavar(name, item.default), help=text)


def _metavar(name: str, default: Any) -> str:
    unit = "HOURS" if name.endswith("_hours") else "SECONDS"
    return {int: "N", float: unit, type(None): "N"}.get(type(default), "TEXT")


def is_given(name: str, args: argparse.Namespace, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a setting was given by its flag or its variable, so that it is not merely the default."""
    environ = os.environ if environ is None else environ
    return getattr(args, name, None) is not None or PREFIX + name.upper() in environ


def load_settings(args: argparse.Namespace, environ: Mapping[str, str] | None = None) -> Settings:
    """Put flags, variables and defaults together.

    Raises UsageError naming the flag or variable whose value does not fit.
    """
    return load_kind(Settings, args, environ)


def load_kind(kind: type[Loaded], args: argparse.Namespace, environ: Mapping[str, str] | None = None) -> Loaded:
    """The same for a command's own settings: a dataclass of `setting` fields."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for item in fields(kind):  # type: ignore[arg-type]  # a type variable cannot say that it is a dataclass
        given = getattr(args, item.name, None)
        source = "--" + item.name.replace("_", "-")
        if given is None:
            source = PREFIX + item.name.upper()
            given = environ.get(source)
        if given is None:
            continue
        if isinstance(given, bool):
            values[item.name] = given
            continue
        try:
            values[item.name] = item.metadata["parse"](given)
        except ValueError as error:
            raise UsageError(f"{source}: got {masked(given)!r}: {error}") from None
    return kind(**values)

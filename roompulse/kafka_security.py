"""TLS and SASL as the settings say, checked before a broker is asked; every Kafka client is set up from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from roompulse.errors import UsageError
from roompulse.secret_text import password_of
from roompulse.settings import PREFIX, Settings
from roompulse.tls import tls_context


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """How brokers are spoken to; empty where it does not apply."""

    protocol: str
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    @property
    def has_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.protocol.endswith("SSL")


def security_of(settings: Settings) -> KafkaSecurity:
    """What the settings say. Raises UsageError where they do not fit together, InputError where a file is of no use.

    A password or certificate beside a protocol that makes no use of it is refused: whoever gave it takes the connection
    for a safe one.
    """
    protocol = settings.kafka_security_protocol
    named = f"--kafka-security-protocol {protocol}"
    files = (settings.kafka_ca_file, settings.kafka_cert_file, settings.kafka_key_file)
    password = password_of("kafka_password", settings.kafka_password, settings.kafka_password_file)
    if any(files) and not protocol.endswith("SSL"):
        raise UsageError(f"{named} has no use for certificates: did you mean SSL or SASL_SSL?")
    if not protocol.startswith("SASL_"):
        if settings.kafka_username or password:
            raise UsageError(f"{named} has no use for a user and a password: did you mean SASL_SSL?")
        return KafkaSecurity(protocol, "", "", "", *files)
    if not (settings.kafka_username and password):
        raise UsageError(
            f"{named} needs --kafka-username and a password, by --kafka-password-file or {PREFIX}KAFKA_PASSWORD"
        )
    return KafkaSecurity(protocol, settings.kafka_sasl_mechanism, settings.kafka_username, password, *files)


def kafka_python_security(settings: Settings) -> dict[str, Any]:
    """kafka-python's names for it; nothing in plain text without a user. Raises what `security_of` raises."""
    security = security_of(settings)
    config: dict[str, Any] = {"security_protocol": security.protocol}
    if security.has_tls:
        config["ssl_context"] = tls_context("kafka", security.ca_file, security.cert_file, security.key_file)
    if security.mechanism:
        config["sasl_mechanism"] = security.mechanism
        config["sasl_plain_username"] = security.username
        config["sasl_plain_password"] = security.password
    return config

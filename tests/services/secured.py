"""A Kafka and a Redis that ask who comes: TLS, SCRAM users, and the ACLs that docs/security.md gives them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import redis
from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType

from roompulse.embedded import redis_answers, redis_command
from roompulse.local_server import LOOPBACK, LocalServer, free_port
from tests.require import ROOT, require
from tests.services.certificates import Certificate
from tests.services.kafka import Kafka

PAGE = ROOT / "docs" / "security.md"
USERS = ("operator", "producer", "scorer", "reader")

_PROPERTIES = """
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:CN=client
"""


class SecuredKafka(Kafka):
    """One broker with a listener for users over TLS and one for certificates; its plain listener is for the test.

    The plain listener's anonymous user and the owner of the client certificate may do everything, the users what
    `allow` says.
    """

    def __init__(self, server: Certificate, password: str) -> None:
        self.users, self.certificates = f"{LOOPBACK}:{free_port()}", f"{LOOPBACK}:{free_port()}"
        scram = [
            part
            for user in USERS
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for part in ("--add-scram", f"{mechanism}=[name={user},password={password}]")
        ]
        super().__init__(
            properties=_PROPERTIES.format(keystore=server.both, authority=server.authority),
            listeners=(f"SASL_SSL://{self.users}", f"SSL://{self.certificates}"),
            format_options=scram,
        )

    def allow(self, prefix: str) -> None:
        """Give the users what the page's table gives them, for one topic prefix; groups and ids begin with it too."""
        acls = [
            ACL(
                f"User:{user}", "*", ACLOperation[operation], ACLPermissionType.ALLOW,
                ResourcePattern(
                    ResourceType[kind], prefix + name.removesuffix("*"),
                    ACLResourcePatternType.PREFIXED if name.endswith("*") else ACLResourcePatternType.LITERAL,
                ),
            )
            for user, kind, name, operations in allowed()
            for operation in operations
        ]  # fmt: skip
        with KafkaAdminClient(bootstrap_servers=self.address) as admin:
            outcome = admin.create_acls(acls)
        assert not outcome["failed"], outcome


def allowed() -> list[tuple[str, str, str, list[str]]]:
    """The page's table: user, kind of resource, name, operations, in the client's spelling."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (\w+) \| `([^`]+)` \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {user for user, *_ in rows} == set(USERS)
    return [(user, _upper(kind), name, list(map(_upper, what.split(", ")))) for user, kind, name, what in rows]


def _upper(words: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words.strip()).upper()


class SecuredRedis(LocalServer):
    """A real Redis with a port for TLS; its plain port is for the test."""

    def __init__(self, server: Certificate) -> None:
        binary = shutil.which("redis-server")
        require("redis-server", binary is not None, "apt-get install redis-server")
        self.tls_port = free_port()
        options = {
            "tls-port": str(self.tls_port),
            "tls-cert-file": str(server.cert),
            "tls-key-file": str(server.key),
            "tls-ca-cert-file": str(server.authority),
            "tls-auth-clients": "no",
        }
        more = [part for name, value in options.items() for part in (f"--{name}", value)]

        def command(port: int, folder: Path) -> list[str]:
            return [*redis_command(str(binary), port, folder), *more]

        super().__init__("redis", command, redis_answers)

    def url(self, user: str = "roompulse") -> str:
        """Fit for `--redis-url`, without a password."""
        return f"rediss://{user}@{LOOPBACK}:{self.tls_port}/0"

    def allow(self, password: str, prefix: str, *more: str) -> None:
        """Make the user as the page's line does."""
        (line,) = re.findall(r"^ACL SETUSER (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
        rules = line.replace("PASSWORD", password).replace("~rp:*", f"~{prefix}:*").split()
        client: Any = redis.Redis(port=self.port)
        with client:
            client.execute_command("ACL", "SETUSER", *rules, *more)

"""Where the checkpoint's Redis is and how it is spoken to: address, password, certificates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from roompulse.errors import UsageError
from roompulse.secret_text import password_of
from roompulse.settings import Settings
from roompulse.tls import tls_context


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """A Redis as the client's `from_url` wants it; what is empty is left to the URL and the client."""

    url: str
    password: str = field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    cluster: bool = False
    """Whether the URL names one node of a Redis Cluster."""

    def options(self) -> dict[str, Any]:
        """What the client is told beside the URL."""
        said = {
            "password": self.password,
            "ssl_ca_certs": self.ca_file,
            "ssl_certfile": self.cert_file,
            "ssl_keyfile": self.key_file,
        }
        return {name: value for name, value in said.items() if value}


def place_of(settings: Settings) -> RedisPlace:
    """What the settings say. Raises UsageError where they do not fit together, InputError where a file is of no use."""
    files = (settings.redis_ca_file, settings.redis_cert_file, settings.redis_key_file)
    password = password_of("redis_password", settings.redis_password, settings.redis_password_file)
    try:
        address = urlsplit(settings.redis_url)
        in_url = address.password
    except ValueError:  # the client says what is wrong with it
        return RedisPlace(settings.redis_url, password, *files, settings.redis_cluster)
    if password and in_url:
        raise UsageError("--redis-url has a password, and another is given beside it: give one")
    if any(files) and address.scheme != "rediss":
        raise UsageError("--redis-url has no use for certificates unless it begins with rediss://")
    if address.scheme == "rediss":
        tls_context("redis", *files)  # looked at here: the client would name no file
    return RedisPlace(settings.redis_url, password, *files, settings.redis_cluster)

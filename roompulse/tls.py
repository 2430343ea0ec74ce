"""TLS towards Kafka and Redis: the certificates are looked at before a server is, so that a wrong file has its name."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from roompulse.errors import InputError, UsageError

_LOOK_S = 2.0


def tls_context(service: str, ca_file: str, cert_file: str, key_file: str) -> ssl.SSLContext:
    """TLS 1.2 or newer that checks the server's certificate and name, against `ca_file` or the system's authorities.

    `service` is the first word of the flags. Raises UsageError, or InputError naming flag and file.
    """
    if bool(cert_file) != bool(key_file):
        raise UsageError(f"--{service}-cert-file and --{service}-key-file belong together: give both")
    for flag, file in (("ca", ca_file), ("cert", cert_file), ("key", key_file)):
        if file:
            _refuse_unreadable(f"--{service}-{flag}-file {file}", file)
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError as error:
        raise InputError("expected certificates in PEM", file=f"--{service}-ca-file {ca_file}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file:
        try:
            # An encrypted key would be asked for at the terminal: with an empty password it is refused instead.
            context.load_cert_chain(cert_file, key_file, password=lambda: b"")
        except (ssl.SSLError, ValueError) as error:
            said = "expected a certificate in PEM and its key, not encrypted"
            raise InputError(
                said, file=f"--{service}-cert-file {cert_file}, --{service}-key-file {key_file}"
            ) from error
    return context


def refusal(server: str, context: ssl.SSLContext) -> str:
    """Why there is no TLS with `server` (host:port); empty where there is, or where nobody answers at all."""
    host, _, port = server.rpartition(":") if not server.endswith("]") and ":" in server else (server, "", "9092")
    host = host.strip("[]")
    try:
        with socket.create_connection((host, int(port)), timeout=_LOOK_S) as link:
            try:
                context.wrap_socket(link, server_hostname=host).close()
            except ssl.SSLCertVerificationError as error:
                return f"its certificate is refused: {error.verify_message}"
            except ssl.SSLError as error:
                return f"no TLS with {server}: {error.reason or error}"
            except OSError as error:
                return f"no TLS with {server}: {error.strerror or error}"
    except OSError:
        pass  # nobody is there, which has been said
    return ""


def _refuse_unreadable(named: str, file: str) -> None:
    try:
        Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=named) from error

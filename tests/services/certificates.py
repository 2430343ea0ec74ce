"""Certificates for tests, made by openssl with the commands that docs/security.md shows."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.require import require

_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of a certificate, its key, both in one file as Kafka wants them, and of the authority that signed it."""

    cert: Path
    key: Path
    both: Path
    authority: Path


def make_authority(folder: Path, name: str = "ca") -> Path:
    """A new authority; the path of its certificate, beside which its key lies."""
    require("openssl", shutil.which("openssl") is not None, "apt-get install openssl")
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{name}.pem"
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", f"/CN={name}",
        "-keyout", made.with_suffix(".key"), "-out", made,
    )  # fmt: skip
    return made


def make_certificate(authority: Path, name: str, names: str = _NAMES) -> Certificate:
    """A certificate signed by `authority`, for 127.0.0.1 unless `names` says another `subjectAltName`."""
    base = authority.parent / name
    cert, key, request, extension, both = (base.with_suffix(f".{end}") for end in ("pem", "key", "csr", "ext", "both"))
    extension.write_text(names, encoding="utf-8")
    _openssl("req", "-newkey", "rsa:2048", "-noenc", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    _openssl(
        "x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority.with_suffix(".key"), "-CAcreateserial",
        "-days", "2", "-out", cert, "-extfile", extension,
    )  # fmt: skip
    both.write_text(key.read_text(encoding="utf-8") + cert.read_text(encoding="utf-8"), encoding="utf-8")
    return Certificate(cert, key, both, authority)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)

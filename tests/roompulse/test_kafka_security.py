"""TLS and SASL settings: what does not fit together is refused before any server is asked, and no secret is shown."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from roompulse.cli import COMMANDS, command_parser
from roompulse.errors import InputError, UsageError
from roompulse.kafka_security import kafka_python_security, security_of
from roompulse.settings import KAFKA, REDIS, Settings
from scorer.adapters.redis_place import place_of
from tests.services.certificates import make_authority, make_certificate

SASL = {"kafka_security_protocol": "SASL_SSL", "kafka_username": "scorer"}


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A command's parser, or those of its actions."""
    actions = [item for item in parser._actions if isinstance(item, argparse._SubParsersAction)]
    for action in actions:
        for inner in action.choices.values():
            yield from parsers(inner)
    if not actions:
        yield parser


sasl = partial(Settings, kafka_security_protocol="SASL_SSL", kafka_username="scorer")


@pytest.mark.parametrize("together", [KAFKA, REDIS])
def test_a_command_that_goes_to_a_server_takes_all_that_the_way_there_needs(together: tuple[str, ...]) -> None:
    """No command knows the address alone, which would leave it outside of a secured installation."""
    found = 0
    for name in COMMANDS:
        for parser in parsers(command_parser(name)):
            known = {action.dest for action in parser._actions}
            if together[0] in known:
                found += 1
                assert set(together) <= known, parser.prog
    assert found > 2


def test_no_flag_takes_a_password() -> None:
    """Every list of processes would show it: there are a variable and a file."""
    for name in COMMANDS:
        for parser in parsers(command_parser(name)):
            flags = {flag for action in parser._actions for flag in action.option_strings}
            assert not {"--kafka-password", "--redis-password"} & flags


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (SASL, "needs --kafka-username and a password"),
        ({**SASL, "kafka_username": "", "kafka_password": "x"}, "needs --kafka-username and a password"),
        ({"kafka_password": "x"}, "has no use for a user and a password: did you mean SASL_SSL?"),
        ({"kafka_ca_file": "ca.pem"}, "has no use for certificates: did you mean SSL or SASL_SSL?"),
        ({**SASL, "kafka_password": "x", "kafka_password_file": "y"}, "are both given: give one"),
    ],
)
def test_settings_that_do_not_fit_together_are_wrong_usage(given: dict[str, str], said: str) -> None:
    """A password that would go nowhere is said, rather than taken for safety."""
    with pytest.raises(UsageError, match=said):
        security_of(Settings(**given))  # type: ignore[arg-type]  # all of these are texts


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_file_holds_one_line(tmp_path: Path, end: str) -> None:
    """Its line end does not belong to the password, spaces do."""
    file = tmp_path / "password"
    file.write_text(f" geheim {end}", encoding="utf-8", newline="")
    assert security_of(sasl(kafka_password_file=str(file))).password == " geheim "


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff"])
def test_a_password_file_that_holds_none_is_named_and_not_shown(tmp_path: Path, content: bytes) -> None:
    """Empty, several lines, not text: flag and path, and nothing of what it holds."""
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(InputError, match="--kafka-password-file") as caught:
        security_of(sasl(kafka_password_file=str(file)))
    assert "two" not in str(caught.value)


def test_secrets_are_in_no_repr() -> None:
    """Settings and what is made of them end up in logs and tracebacks."""
    settings = sasl(kafka_password="geheim", redis_password="verschwiegen")
    shown = f"{settings!r} {security_of(settings)!r} {place_of(settings)!r}"
    assert "geheim" not in shown
    assert "verschwiegen" not in shown
    assert "kafka_password='***'" in shown


def test_certificates_are_looked_at_before_a_server_is(tmp_path: Path) -> None:
    """A missing file, one that holds something else, half a pair and an encrypted key: each by its flag."""
    made = make_certificate(make_authority(tmp_path), "client")
    tls = partial(Settings, kafka_security_protocol="SSL")
    missing, other = str(tmp_path / "none.pem"), tmp_path / "other.pem"
    other.write_text("no certificate", encoding="utf-8")
    with pytest.raises(InputError, match=rf"--kafka-ca-file {missing}: cannot be read"):
        kafka_python_security(tls(kafka_ca_file=missing))
    with pytest.raises(InputError, match=r"--kafka-ca-file .*: expected certificates in PEM"):
        kafka_python_security(tls(kafka_ca_file=str(other)))
    with pytest.raises(UsageError, match="belong together"):
        kafka_python_security(tls(kafka_cert_file=str(made.cert)))
    locked = tmp_path / "locked.key"
    command = ["openssl", "rsa", "-aes128", "-passout", "pass:geheim", "-in", str(made.key), "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(InputError, match="its key, not encrypted"):
        kafka_python_security(tls(kafka_cert_file=str(made.cert), kafka_key_file=str(locked)))
    good = tls(kafka_cert_file=str(made.cert), kafka_key_file=str(made.key))
    assert kafka_python_security(good)["security_protocol"] == "SSL"


def test_redis_takes_certificates_only_where_it_speaks_tls() -> None:
    """redis:// with an authority looks safe and is not; two passwords leave open which one counts."""
    with pytest.raises(UsageError, match="unless it begins with rediss://"):
        place_of(Settings(redis_ca_file="ca.pem"))
    with pytest.raises(UsageError, match="give one"):
        place_of(Settings(redis_url="redis://:one@host", redis_password="two"))

"""`make audit` with the real pip-audit, against an advisory service of the test's own and against none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from deploy.audit import main, read_answer

PINS = "alpha==1.0\nbeta==2.0  # with a remark\ngamma==3.0; python_version < '3'\n"


class _Osv(BaseHTTPRequestHandler):
    """Knows one vulnerability of beta, and counts what it was asked for."""

    asked: ClassVar[list[str]]

    def do_POST(self) -> None:
        package = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]
        self.asked.append(package["name"])
        fixed = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0.1"}]}]
        known = {"id": "TEST-1", "aliases": ["CVE-0000-1"], "affected": [{"package": package, "ranges": fixed}]}
        body = json.dumps({"vulns": [known]} if package["name"] == "beta" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def no_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever pip-audit would ask outside of this machine is refused at once."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def osv(no_service: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A service that answers; gives the names of the packages that it is asked for."""
    _Osv.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"http://127.0.0.1:{server.server_port}/v1/query")
    yield _Osv.asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    """A small file of pins."""
    path = tmp_path / "pins.txt"
    path.write_text(PINS)
    return path


def test_a_known_vulnerability_is_named_and_fails(
    osv: list[str], pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pin, the advisory's names and the version that has it no more; every pin of this machine was asked for."""
    assert main(["--pins", str(pins)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "audit: 2 pins looked up at osv, 1 vulnerabilities",
        "  vulnerable: beta 2.0: CVE-0000-1, TEST-1, fixed in 2.0.1",
    ]
    assert set(osv) == {"alpha", "beta"}


def test_without_a_service_one_line_says_that_nobody_looked(
    no_service: None, pins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make test` goes on where nobody can be asked; it never calls that clean."""
    assert main(["--pins", str(pins)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "audit: no advisory service answers here (pypi, osv): known vulnerabilities were not looked for"
    ]


def test_packages_that_the_service_does_not_know_are_not_counted_as_looked_up() -> None:
    """An index without advisories skips every package, which pip-audit itself reports as no vulnerabilities."""
    skipped = {"name": "alpha", "skip_reason": "not found"}
    clean = {"name": "beta", "version": "2.0", "vulns": []}
    found = read_answer("pypi", {"dependencies": [skipped, clean], "fixes": []})
    assert (found.looked_up, found.vulnerable, found.unknown) == (1, (), ("alpha",))

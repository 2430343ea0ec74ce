"""`python -m deploy.audit`: known vulnerabilities of the pinned packages, as far as an advisory service answers.

pip-audit asks and compares. What it does not do is tell "nothing known" from "nobody to ask": an index that serves no
advisories looks to it like one without vulnerabilities. So one package is asked for first, and no answer is said.
With `--release` no answer is a failure, and pins that their authors have withdrawn from the index are looked for too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roompulse.errors import RoomPulseError

PINS = Path(__file__).resolve().parent.parent / "constraints.txt"
SERVICES = ("pypi", "osv")
_YANKED = "yanked version: "


@dataclass(frozen=True, slots=True)
class Advisories:
    """What a service knows of the pins: packages with vulnerabilities, in words, and those it has not heard of."""

    service: str
    looked_up: int
    vulnerable: tuple[str, ...]
    unknown: tuple[str, ...]


def advisories(pins: Path) -> Advisories | None:
    """Ask the first service that answers for a single package; None where none does.

    Raises RoomPulseError where one answers at first and then no more.
    """
    lines = (line.partition("#")[0].strip() for line in pins.read_text(encoding="utf-8").splitlines())
    one = next(line for line in lines if "==" in line and ";" not in line)
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "one.txt"
        probe.write_text(f"{one}\n", encoding="utf-8")
        for service in SERVICES:
            first = _ask(service, probe)
            if first is None or not first.looked_up:
                continue
            if (found := _ask(service, pins)) is None:
                raise RoomPulseError(f"the advisory service {service} stopped answering; try again")
            return found
    return None


def _ask(service: str, pins: Path) -> Advisories | None:
    """What pip-audit finds out of a file of pins; None where the service is not reached."""
    options = ("--no-deps", "--disable-pip", "--format", "json", "--desc", "off", "--progress-spinner", "off")
    command = (sys.executable, "-m", "pip_audit", "--vulnerability-service", service, *options, "-r", str(pins))
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(ran.stdout)
    except ValueError:
        if "No module named pip_audit" in ran.stderr:
            raise RoomPulseError("the audit needs the extra `test`: pip install 'roompulse[test]'") from None
        return None
    return read_answer(service, answer)


def read_answer(service: str, answer: dict[str, Any]) -> Advisories:
    """Take in pip-audit's JSON."""
    packages = answer["dependencies"]
    vulnerable = []
    for package in packages:
        for each in package.get("vulns", ()):
            fixed = f"fixed in {', '.join(each['fix_versions'])}" if each["fix_versions"] else "not fixed yet"
            names = ", ".join((each["id"], *each["aliases"]))
            vulnerable.append(f"{package['name']} {package['version']}: {names}, {fixed}")
    unknown = tuple(package["name"] for package in packages if "skip_reason" in package)
    return Advisories(service, len(packages) - len(unknown), tuple(vulnerable), unknown)


def withdrawn(pins: Path) -> list[str]:
    """Pins that were withdrawn ("yanked"), as pip says. Raises RoomPulseError where the index does not have them all.

    pip resolves each pin by itself and installs nothing; that takes a minute or two.
    """
    options = ("--dry-run", "--ignore-installed", "--no-deps", "--disable-pip-version-check", "--quiet")
    command = (sys.executable, "-m", "pip", "install", *options, "--requirement", str(pins))
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RoomPulseError(f"pip cannot resolve {pins.name}: {ran.stderr.strip().splitlines()[-1]}")
    return [line.partition(_YANKED)[2] for line in ran.stderr.splitlines() if _YANKED in line]


def main(argv: Sequence[str] | None = None) -> int:
    """Look and print. Returns 0, or 1 where something was found or, with --release, nobody could be asked."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.audit", description="Known vulnerabilities of the pinned packages.", allow_abbrev=False
    )
    parser.add_argument("--pins", type=Path, default=PINS, metavar="FILE", help="the pins (default: constraints.txt)")
    parser.add_argument(
        "--release", action="store_true", help="no answer is a failure; pins withdrawn by their authors are one too"
    )
    args = parser.parse_args(argv)
    try:
        found = advisories(args.pins)
        gone = withdrawn(args.pins) if args.release else []
    except RoomPulseError as error:
        print(f"audit: {error}", file=sys.stderr)
        return 1
    if found is None:
        asked = ", ".join(SERVICES)
        print(f"audit: no advisory service answers here ({asked}): known vulnerabilities were not looked for")
        vulnerable: tuple[str, ...] = ()
    else:
        unknown = f", unknown to it: {', '.join(found.unknown)}" if found.unknown else ""
        vulnerable = found.vulnerable
        print(f"audit: {found.looked_up} pins looked up at {found.service}, {len(vulnerable)} vulnerabilities{unknown}")
    for line in vulnerable:
        print(f"  vulnerable: {line}")
    for line in gone:
        print(f"  withdrawn: {line}")
    return 1 if vulnerable or gone or (args.release and found is None) else 0


if __name__ == "__main__":
    sys.exit(main())

"""What is pinned: every package that an extra brings, and under which licence each is used."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.require import ROOT

PERMISSIVE = {"0BSD", "Apache", "BSD", "CC0", "ISC", "MIT", "PSF", "Zlib"}
WEAK_COPYLEFT = {"LGPL", "MPL"}
"""Used as they are, as libraries; what is changed in them would have to be given away, and nothing is."""

LOOKED_UP = {
    "axe-playwright-python": "MIT",  # its LICENSE file; the metadata name none
    "docutils": "BSD",  # public domain and BSD but for an Emacs mode under the GPL, which nothing here loads
    "namex": "Apache",  # its LICENSE file; the metadata name none
}
"""Where the metadata do not say it, or say more than what is used."""

_FAMILY = (
    ("LGPL", r"\bLGPL|Lesser General Public"),
    ("GPL", r"\bA?GPL|General Public"),
    ("MPL", r"\bMPL|Mozilla"),
    ("Apache", r"\bApache"),
    ("0BSD", r"\b0BSD"),
    ("BSD", r"\bBSD"),
    ("MIT", r"\bMIT\b"),
    ("ISC", r"\bISC\b"),
    ("PSF", r"\bPSFL?\b|Python Software Foundation"),
    ("Zlib", r"\bZlib\b"),
    ("CC0", r"\bCC0\b"),
)


def pinned() -> dict[str, set[str]]:
    """Versions of each package in constraints.txt, by normalised name."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), set()).add(str(pin.specifier))
    return found


def families(licence: str) -> set[str]:
    """The families of licences that a text names; an unknown part stands for itself."""
    parts = [part.strip(" ()") for part in re.split(r" AND | OR |; ", licence)]
    return {next((name for name, sign in _FAMILY if re.search(sign, part)), part) for part in parts if part}


def declared(name: str) -> str:
    """What a package's metadata say of its licence: an SPDX expression, else classifiers, else a line of text."""
    said = metadata(name)
    if "License-Expression" in said:
        return said["License-Expression"]
    classifiers = [line for line in said.get_all("Classifier") or () if line.startswith("License :: OSI Approved :: ")]
    text = str(said.json.get("license", "")).strip().splitlines()
    return "; ".join(line.rpartition(" :: ")[2] for line in classifiers) or (text[0] if text else "")


def installed_pins() -> list[str]:
    """Pins that are installed here: others belong to another platform or to an image's build."""
    found = []
    for name in pinned():
        try:
            metadata(name)
        except PackageNotFoundError:
            continue
        found.append(name)
    return found


def test_every_pin_names_one_exact_version() -> None:
    """A range would give two machines two sets of packages."""
    loose = {name: versions for name, versions in pinned().items() if not all(v.startswith("==") for v in versions)}
    assert not loose


def test_every_installed_package_may_be_used() -> None:
    """Permissive licences and weak copyleft of libraries that are used as they are; nothing else, nothing unnamed."""
    allowed = PERMISSIVE | WEAK_COPYLEFT
    installed = installed_pins()
    assert len(installed) > 50
    strangers = {
        name: licence
        for name in installed
        if not (named := families(licence := LOOKED_UP.get(name) or declared(name))) or named - allowed
    }
    assert not strangers


def test_licences_that_do_not_fit_are_told() -> None:
    """The check can fail: a strong copyleft, an unknown licence and none are all refused."""
    allowed = PERMISSIVE | WEAK_COPYLEFT
    for text in ("GPL-3.0-only", "MIT AND AGPL-3.0-or-later", "GNU General Public License v3 (GPLv3)", "Proprietary"):
        assert families(text) - allowed, text
    assert not families("")
    assert families("MPL-2.0 AND (Apache-2.0 OR MIT)") == {"MPL", "Apache", "MIT"}


def test_whatever_an_extra_brings_is_pinned() -> None:
    """All of it, through every package in between: what is not pinned is a different version tomorrow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first = [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]
    loose = sorted({name for name in _closure(first) if name not in pinned()})
    assert loose == ["pip"], "pip alone comes with Python itself"


def _closure(lines: list[str]) -> Iterator[str]:
    """The normalised name of everything that these requirements need on this machine, as far as it is installed."""
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(line), "") for line in lines]
    while waiting:
        need, extra = waiting.pop()
        if need.marker is not None and not need.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(need.name)
        yield name
        for inner in ("", *need.extras):
            if (name, inner) in seen:
                continue
            seen.add((name, inner))
            try:
                waiting += [(Requirement(line), inner) for line in requires(name) or ()]
            except PackageNotFoundError:
                continue

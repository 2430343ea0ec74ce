"""Model bundles: one immutable folder each, written once and verified at every loading.

    model.onnx    the network; name, version, feature fingerprint, quantiles and data hash in its metadata
    bundle.json   the manifest: what the network expects and gives, and the sha256 of every other file
    card.json     what it was trained on and how it did against the baselines
    golden.npz    counts, and what features and network made of them where the bundle was written
    report.html   plots, where whoever trained it drew some

A "step" network takes minute by minute and keeps a state; a "window" network reads a room's last minutes anew each
time; a "hotspot" network is a window network for the study of slow series, and not served.

Loading reads and compares; it runs nothing, and passes over what else lies in the folder. Whether the network still
gives its golden outputs on this machine is checked by whoever opens it for forecasting.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from roompulse import features, window
from roompulse.errors import BundleError
from roompulse.forecasting import HORIZONS, QUANTILES
from roompulse.golden import Golden, check_golden, pack_golden, unpack_golden
from roompulse.text_file import refuse_unwritable
from roompulse.window import WindowSpecification, window_from

FORMAT = 1
STEP, WINDOW, HOTSPOT = KINDS = ("step", "window", "hotspot")
MANIFEST, MODEL, CARD, GOLDEN, REPORT = "bundle.json", "model.onnx", "card.json", "golden.npz", "report.html"
FILES = (MODEL, CARD, GOLDEN)


@dataclass(frozen=True, slots=True)
class Specification:
    """What a bundle says of itself; `rules` holds calibrated starting thresholds for the alerts.

    `window_minutes` is the length of a room's ring, `window` what a window or hotspot network expects of it.
    """

    name: str
    version: str
    units: int
    data_hash: str
    rules: Mapping[str, Any]
    window_minutes: int = 60
    kind: str = STEP
    features: str = features.FINGERPRINT
    quantiles: tuple[float, ...] = QUANTILES
    horizons: int = HORIZONS
    window: WindowSpecification | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle, held in memory: later changes of its files have no effect on it."""

    folder: Path
    specification: Specification
    hash: str
    """sha256 over the manifest, and so over every file's hash: the bundle's identity."""
    model: bytes
    card: Mapping[str, Any]
    golden: Golden
    report: bytes | None

    @property
    def label(self) -> str:
        """Name, version and the first 8 digits of the hash, as forecasts carry it."""
        return f"{self.specification.name}-{self.specification.version}+{self.hash[:8]}"

    @property
    def units(self) -> int:
        """Width of each of the network's two state vectors."""
        return self.specification.units

    @property
    def rules(self) -> Mapping[str, Any]:
        """Calibrated starting thresholds for the alerts; empty where the bundle has none."""
        return self.specification.rules


_NAMES = tuple(name for name in Specification.__dataclass_fields__ if name != "window")
"""What every manifest has; `window` is there where it says something."""


def default_bundle() -> Path:
    """The folder of the bundle that is shipped with RoomPulse."""
    return Path(__file__).parent / "models" / "step-default"


def write_bundle(
    folder: Path,
    specification: Specification,
    model: bytes,
    card: Mapping[str, Any],
    golden: Golden,
    report: bytes | None = None,
) -> Bundle:
    """Write a bundle, all or nothing, and load it back. The same contents give the same bytes.

    Raises BundleError where `folder` exists with something in it, or cannot be written.
    """
    refuse_existing(folder)
    contents = {MODEL: model, CARD: _json(card), GOLDEN: pack_golden(golden)}
    contents |= {} if report is None else {REPORT: report}
    manifest: dict[str, Any] = {"format": FORMAT}
    manifest |= {name: getattr(specification, name) for name in _NAMES}
    if specification.window is not None:
        manifest["window"] = msgspec.to_builtins(specification.window)
    manifest["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    contents[MANIFEST] = _json(manifest | {"hash": _identity(manifest)})
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise BundleError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        partial.chmod(0o755)
        for name, data in contents.items():
            with (partial / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        partial.rename(folder)  # fails where another process has put something there meanwhile
    except OSError as error:
        raise BundleError(f"{folder}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return load_bundle(folder)


def refuse_existing(folder: Path) -> None:
    """Raise BundleError where a bundle cannot be written to `folder`: nothing is ever overwritten."""
    try:
        taken = folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))
        if not taken:
            refuse_unwritable(folder.parent)
    except OSError as error:
        raise BundleError(f"{folder}: cannot be written: {error.strerror}") from error
    if taken:
        raise BundleError(f"{folder}: exists already; bundles are never overwritten, name another folder")


def load_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle. Raises BundleError saying what is wrong with it."""
    if not folder.is_dir():
        raise BundleError(f"{folder}: there is no such folder")
    if not (folder / MANIFEST).is_file():
        raise BundleError(f"{folder}: not a model bundle: it has no {MANIFEST}")
    manifest = _manifest(folder)
    contents = {}
    for name in dict.fromkeys([*FILES, *(name for name in manifest["files"] if name == REPORT)]):
        contents[name] = read_file(folder, name)
        if hashlib.sha256(contents[name]).hexdigest() != manifest["files"].get(name):
            raise BundleError(f"{folder / name}: changed since the bundle was written")
    try:
        specification = Specification(
            **{name: manifest[name] for name in _NAMES} | {"quantiles": tuple(manifest["quantiles"])},
            window=window_from(manifest["window"]) if "window" in manifest else None,
        )
        card = json.loads(contents[CARD])
        golden = unpack_golden(contents[GOLDEN])
    except (LookupError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise BundleError(f"{folder}: not a usable bundle: {error}") from error
    _refuse_foreign(folder, specification, golden)
    return Bundle(folder, specification, manifest["hash"], contents[MODEL], card, golden, contents.get(REPORT))


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(read_file(folder, MANIFEST))
    except ValueError as error:
        raise BundleError(f"{path}: not JSON: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BundleError(f"{path}: not the manifest of a model bundle")
    if manifest["format"] > FORMAT:
        raise BundleError(f"{path}: format {manifest['format']} is newer than this program reads ({FORMAT})")
    if not isinstance(manifest.get("files"), dict):
        raise BundleError(f"{path}: not the manifest of a model bundle")
    if manifest.pop("hash", None) != (identity := _identity(manifest)):
        raise BundleError(f"{path}: changed since the bundle was written")
    return manifest | {"hash": identity}


def _refuse_foreign(folder: Path, specification: Specification, golden: Golden) -> None:
    if specification.kind not in KINDS:
        known = f"{', '.join(map(repr, KINDS[:-1]))} and {KINDS[-1]!r}"
        raise BundleError(f"{folder}: a {specification.kind!r} model; this program knows {known} models")
    sees = specification.window
    if (specification.kind == STEP) != (sees is None):
        raise BundleError(f"{folder}: a {specification.kind!r} model {'without' if sees is None else 'with'} a window")
    if specification.features != (here := features.FINGERPRINT if sees is None else window.FINGERPRINT):
        raise BundleError(
            f"{folder}: made for features {specification.features}, this program computes {here}; train the model again"
        )
    if (specification.quantiles, specification.horizons) != (QUANTILES, HORIZONS):
        raise BundleError(f"{folder}: forecasts other quantiles or horizons than {QUANTILES} at +1 to +{HORIZONS}")
    if sees is not None and specification.window_minutes < sees.minutes:
        raise BundleError(f"{folder}: a window of {sees.minutes} minutes in a ring of {specification.window_minutes}")
    check_golden(folder / GOLDEN, sees, golden)


def read_file(folder: Path, name: str) -> bytes:
    """One file of a bundle. Raises BundleError where it cannot be read, or a link leads out of the folder.

    Links within the folder are fine: Kubernetes mounts files that way.
    """
    path = folder / name
    try:
        real = Path(os.path.realpath(path, strict=True))  # Path.resolve raises another error at a link to itself
        if not real.is_relative_to(folder.resolve()):
            raise BundleError(f"{path}: is a link to {real}, which lies outside of the bundle")
        if not real.is_file():  # a pipe would be waited for, a device read for ever
            raise BundleError(f"{path}: cannot be read: not a file")
        return real.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _identity(manifest: Mapping[str, Any]) -> str:
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()

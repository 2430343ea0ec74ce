"""Bundles: written once, verified at every loading."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roompulse import bundle as bundles
from roompulse.bundle import Specification, default_bundle, load_bundle, write_bundle
from roompulse.errors import BundleError
from roompulse.golden import Golden

FILES = ("model.onnx", "card.json", "golden.npz", "bundle.json")
SPECIFICATION = Specification(name="tiny", version="7", units=4, data_hash="d" * 64, rules={"minimum_excess": 4.0})


def golden() -> Golden:
    """Golden vectors of the right shapes; what they hold does not matter here."""
    counts = np.array([[1.0, np.nan, 3.0]])
    return Golden(counts, np.zeros((1, 3, 6), np.float32), np.zeros((1, 3)), np.zeros((1, 3, 30), np.float32))


def write(folder: Path, **changes: Any) -> bundles.Bundle:
    """A small bundle that is whole, apart from `changes` to what it says of itself."""
    specification = dataclasses.replace(SPECIFICATION, **changes)
    return write_bundle(folder, specification, b"network", {"rooms": 3}, golden())


def rewrite_manifest(folder: Path, **changes: Any) -> None:
    """Change the manifest and its hash alike, as a newer program might have written it."""
    path = folder / "bundle.json"
    manifest = json.loads(path.read_text()) | changes
    manifest.pop("hash")
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    manifest["hash"] = hashlib.sha256(canonical.encode()).hexdigest()
    path.write_text(json.dumps(manifest))


def test_what_was_written_is_what_is_loaded(tmp_path: Path) -> None:
    """Specification, network, card and golden vectors come back as they were."""
    written = write(tmp_path / "a")
    loaded = load_bundle(tmp_path / "a")
    assert loaded.specification == written.specification == SPECIFICATION
    assert (loaded.model, loaded.card, loaded.units) == (b"network", {"rooms": 3}, 4)
    assert loaded.rules == {"minimum_excess": 4.0}
    for name in Golden.__dataclass_fields__:
        assert getattr(loaded.golden, name).tobytes() == getattr(golden(), name).tobytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(FILES)


def test_the_label_names_model_version_and_contents(tmp_path: Path) -> None:
    """Two bundles of one name and version are told apart by their hash, which covers the rules too."""
    first, second = write(tmp_path / "a"), write(tmp_path / "b", rules={"minimum_excess": 5.0})
    assert first.label == f"tiny-7+{first.hash[:8]}"
    assert first.hash != second.hash


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    """Writing twice gives equal files: nothing of the clock or the place is in them."""
    write(tmp_path / "a")
    write(tmp_path / "elsewhere" / "b")
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "elsewhere" / "b" / name).read_bytes()


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    """A folder with anything in it is refused and left as it was; an empty one may be filled."""
    write(tmp_path / "a")
    before = (tmp_path / "a" / "bundle.json").read_bytes()
    with pytest.raises(BundleError, match="never overwritten"):
        write(tmp_path / "a", version="8")
    assert (tmp_path / "a" / "bundle.json").read_bytes() == before
    (tmp_path / "empty").mkdir()
    assert write(tmp_path / "empty").label.startswith("tiny-7")


def test_a_folder_whose_name_is_too_long_is_said(tmp_path: Path) -> None:
    """Before anything is computed for it: one message, no traceback."""
    with pytest.raises(BundleError, match="cannot be written: File name too long"):
        bundles.refuse_existing(tmp_path / ("n" * 300))


def test_a_bundle_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the parent is a file the error says so, and no half-written folder stays."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="cannot be written"):
        write(tmp_path / "file" / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["changed", "cut", "missing"])
def test_a_harmed_file_is_refused(tmp_path: Path, name: str, harm: str) -> None:
    """A flipped bit, a cut end or a missing file is noticed in every file of the bundle, and named."""
    write(tmp_path / "a")
    path = tmp_path / "a" / name
    data = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        place = len(data) // 2
        path.write_bytes(data[:place] if harm == "cut" else data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with pytest.raises(BundleError, match=name):
        load_bundle(tmp_path / "a")


@pytest.mark.parametrize("name", FILES)
def test_a_link_out_of_the_bundle_is_refused(tmp_path: Path, name: str) -> None:
    """Even one to the same bytes: whoever can change what it leads to changes the bundle."""
    write(tmp_path / "a")
    path = tmp_path / "a" / name
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(BundleError, match=f"{name}: is a link to .*outside, which lies outside of the bundle"):
        load_bundle(tmp_path / "a")


def test_links_within_the_bundle_and_files_beside_it_do_no_harm(tmp_path: Path) -> None:
    """Kubernetes mounts files as links into a hidden folder; the bundle's own folder may be a link too."""
    written = write(tmp_path / "a")
    (tmp_path / "a" / "..data").mkdir()
    for name in FILES:
        (tmp_path / "a" / name).rename(tmp_path / "a" / "..data" / name)
        (tmp_path / "a" / name).symlink_to(Path("..data") / name)
    (tmp_path / "a" / "model.py").write_text("raise SystemExit")
    (tmp_path / "b").symlink_to("a")
    assert load_bundle(tmp_path / "b").hash == written.hash


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to itself"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    """A pipe would be read for ever."""
    write(tmp_path / "a")
    path = tmp_path / "a" / "card.json"
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)
    with pytest.raises(BundleError, match=r"card\.json: cannot be read"):
        load_bundle(tmp_path / "a")


def test_rules_cannot_be_changed_behind_its_back(tmp_path: Path) -> None:
    """The manifest's own contents are part of the identity, the alert thresholds among them."""
    write(tmp_path / "a")
    path = tmp_path / "a" / "bundle.json"
    path.write_text(path.read_text().replace("4.0", "1.0"))
    with pytest.raises(BundleError, match="changed since"):
        load_bundle(tmp_path / "a")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "newer than this program"),
        ({"features": "0" * 16}, "train the model again"),
        ({"kind": "windowed"}, "knows 'step', 'window' and 'hotspot' models"),
        ({"kind": "window"}, "'window' model without a window"),
        ({"window": {"preset": 1}}, "window: "),
        ({"horizons": 5}, "other quantiles or horizons"),
        ({"quantiles": [0.05, 0.5, 0.95]}, "other quantiles or horizons"),
        ({"files": None}, "not the manifest"),
    ],
)
def test_a_bundle_made_for_something_else_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """Newer formats, other features, kinds, horizons or quantiles are refused with what is wrong."""
    write(tmp_path / "a")
    rewrite_manifest(tmp_path / "a", **changes)
    with pytest.raises(BundleError, match=message):
        load_bundle(tmp_path / "a")


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"format": "1"}', "\xff\xfe"])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever lies in bundle.json, the answer is an error that names the file."""
    write(tmp_path / "a")
    (tmp_path / "a" / "bundle.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"bundle\.json"):
        load_bundle(tmp_path / "a")


def test_a_missing_folder_and_a_folder_of_something_else_are_refused(tmp_path: Path) -> None:
    """The text tells a wrong path from a folder that holds no bundle."""
    with pytest.raises(BundleError, match="no such folder"):
        load_bundle(tmp_path / "nowhere")
    with pytest.raises(BundleError, match="not a model bundle"):
        load_bundle(tmp_path)


def test_loading_runs_no_pickle(tmp_path: Path) -> None:
    """Golden vectors that hold pickled objects are refused, even where their hash is the manifest's."""
    write(tmp_path / "a")
    np.savez(tmp_path / "a" / "golden.npz", **dict.fromkeys(Golden.__dataclass_fields__, np.array([{}])))  # type: ignore[arg-type]
    digest = hashlib.sha256((tmp_path / "a" / "golden.npz").read_bytes()).hexdigest()
    files = json.loads((tmp_path / "a" / "bundle.json").read_text())["files"]
    rewrite_manifest(tmp_path / "a", files=files | {"golden.npz": digest})
    with pytest.raises(BundleError, match="not a usable bundle"):
        load_bundle(tmp_path / "a")


def test_the_shipped_bundle_is_whole_and_small() -> None:
    """The default model loads, and stays under 300 KB in all."""
    shipped = load_bundle(default_bundle())
    assert shipped.label.startswith("step-")
    assert sum(path.stat().st_size for path in default_bundle().iterdir()) < 300_000


def test_a_loaded_bundle_does_not_notice_what_happens_to_its_folder(tmp_path: Path) -> None:
    """The network that was verified is the network that is run: its bytes are held, not read again."""
    loaded = write(tmp_path / "a")
    shutil.rmtree(tmp_path / "a")
    assert loaded.model == b"network"

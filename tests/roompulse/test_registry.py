"""The registry: nothing is overwritten, and no alias ever points to something missing or half-written."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roompulse.aliases import CHALLENGER, CHAMPION
from roompulse.bundle import FILES, MANIFEST, REPORT, Bundle, Specification, load_bundle, write_bundle
from roompulse.errors import BundleError
from roompulse.golden import Golden
from roompulse.registry import Registry, open_bundle
from tests.require import ROOT

SPECIFICATION = Specification(name="tiny", version="1", units=4, data_hash="d" * 64, rules={})


def bundle(folder: Path, version: str, name: str = "tiny") -> Bundle:
    """A small bundle; its network is never run here."""
    golden = Golden(
        np.ones((1, 3)), np.zeros((1, 3, 6), np.float32), np.zeros((1, 3)), np.zeros((1, 3, 30), np.float32)
    )
    return write_bundle(folder, replace(SPECIFICATION, name=name, version=version), b"network", {}, golden)


@pytest.fixture
def three(tmp_path: Path) -> list[Bundle]:
    """Three bundles that lie outside of the registry."""
    return [bundle(tmp_path / "trained" / name, name) for name in ("a", "b", "c")]


def accept(found: Bundle) -> None:
    """A check that passes."""


def test_a_promotion_takes_the_bundle_in_and_points_to_it(tmp_path: Path, three: list[Bundle]) -> None:
    """The copy is named by its label and is the same bundle; the original is not needed."""
    registry = Registry(tmp_path / "models")
    assert registry.promote(three[0], CHAMPION, "promoted") is True
    three[0].folder.rename(tmp_path / "gone")
    champion = registry.aliased()
    assert (champion.hash, champion.folder) == (three[0].hash, tmp_path / "models" / three[0].label)
    assert registry.labels() == [three[0].label]
    assert registry.alias(CHALLENGER) is None


def test_a_promotion_takes_in_what_the_manifest_names_and_nothing_else(tmp_path: Path, three: list[Bundle]) -> None:
    """A report that was written with the bundle comes along; a page and a link put beside it later do not."""
    first = three[0]
    bundle = write_bundle(tmp_path / "r", first.specification, first.model, first.card, first.golden, b"plots")
    (tmp_path / "secret").write_text("secret")
    (bundle.folder / "more.html").write_text("more")
    (bundle.folder / "linked.html").symlink_to(tmp_path / "secret")
    registry = Registry(tmp_path / "models")
    registry.promote(bundle, CHAMPION, "promoted")
    taken = registry.aliased().folder
    assert sorted(path.name for path in taken.iterdir()) == sorted((*FILES, MANIFEST, REPORT))
    assert (taken / REPORT).read_text() == "plots"


def test_another_user_may_read_what_was_promoted(tmp_path: Path, three: list[Bundle]) -> None:
    """The scorer often runs as somebody else than whoever promotes."""
    registry = Registry(tmp_path / "models")
    registry.promote(three[0], CHAMPION, "promoted")
    paths = [registry.folder / CHAMPION, registry.folder / three[0].label]
    for path in (*paths, *paths[1].iterdir()):
        assert path.stat().st_mode & 0o044 == 0o044, path


def test_rolling_back_works_more_than_once(tmp_path: Path, three: list[Bundle]) -> None:
    """Each rollback undoes one promotion more; promotions after it stand on what it went back to."""
    registry = Registry(tmp_path / "models")
    for one in three:
        registry.promote(one, CHAMPION, "promoted")
    assert registry.rollback(CHAMPION, accept).hash == three[1].hash
    assert registry.rollback(CHAMPION, accept).hash == three[0].hash
    with pytest.raises(BundleError, match="cannot roll back: the champion was never anything else"):
        registry.rollback(CHAMPION, accept)
    registry.promote(three[2], CHAMPION, "promoted")
    assert registry.rollback(CHAMPION, accept).hash == three[0].hash
    alias = registry.alias(CHAMPION)
    assert alias is not None
    assert [change.how for change in alias.changes] == [
        *["promoted"] * 3,
        *["rolled back"] * 2,
        "promoted",
        "rolled back",
    ]


def test_a_rollback_that_is_refused_changes_nothing(tmp_path: Path, three: list[Bundle]) -> None:
    """Where the bundle before does not pass any more, the champion stays."""
    registry = Registry(tmp_path / "models")
    for one in three[:2]:
        registry.promote(one, CHAMPION, "promoted")

    def refuse(found: Bundle) -> None:
        raise BundleError(f"{found.label} is bad")

    with pytest.raises(BundleError, match="is bad"):
        registry.rollback(CHAMPION, refuse)
    assert registry.aliased().hash == three[1].hash
    (registry.folder / three[0].label / "model.onnx").write_bytes(b"netwoRk")
    with pytest.raises(BundleError, match="changed since"):
        registry.rollback(CHAMPION, accept)
    assert registry.aliased().hash == three[1].hash


def test_promoting_the_champion_again_changes_nothing(tmp_path: Path, three: list[Bundle]) -> None:
    """The history holds changes only, so that a rollback does something."""
    registry = Registry(tmp_path / "models")
    registry.promote(three[0], CHAMPION, "promoted")
    before = (registry.folder / CHAMPION).read_bytes()
    assert registry.promote(three[0], CHAMPION, "promoted") is False
    assert (registry.folder / CHAMPION).read_bytes() == before


def test_a_damaged_bundle_is_neither_served_nor_overwritten(tmp_path: Path, three: list[Bundle]) -> None:
    """It is named; the same bundle promoted again does not replace the evidence."""
    registry = Registry(tmp_path / "models")
    registry.promote(three[0], CHAMPION, "promoted")
    harmed = registry.folder / three[0].label / "card.json"
    harmed.write_text("{ }")
    for attempt in (registry.aliased, lambda: registry.promote(three[0], CHALLENGER, "promoted")):
        with pytest.raises(BundleError, match=r"card\.json: changed since"):
            attempt()
    assert harmed.read_text() == "{ }"


def test_a_renamed_folder_is_noticed(tmp_path: Path, three: list[Bundle]) -> None:
    """A bundle under another bundle's label is refused, also where an alias points there."""
    registry = Registry(tmp_path / "models")
    for one in three[:2]:
        registry.promote(one, CHAMPION, "promoted")
    (registry.folder / three[1].label).rename(tmp_path / "away")
    (registry.folder / three[0].label).rename(registry.folder / three[1].label)
    with pytest.raises(BundleError, match="its folder was renamed"):
        registry.aliased()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "step-1+00000000",
        "[]",
        "{}",
        '{"label": "x", "hash": "y", "changes": []}',
        '{"label": "x", "hash": "y", "changes": [{"label": "x", "hash": "y", "how": "promoted", "at": ""}]}',
        "[" * 100_000,
        "\xff\xfe",
    ],
)
def test_an_alias_file_that_is_none_is_refused(tmp_path: Path, three: list[Bundle], text: str) -> None:
    """Whatever lies there, the answer names the file, and a promotion leaves it as it is."""
    registry = Registry(tmp_path / "models")
    registry.promote(three[0], CHALLENGER, "promoted")
    (registry.folder / CHAMPION).write_bytes(text.encode("latin-1"))
    for attempt in (registry.aliased, lambda: registry.promote(three[0], CHAMPION, "promoted")):
        with pytest.raises(BundleError, match="champion: not an alias"):
            attempt()
    assert (registry.folder / CHAMPION).read_bytes() == text.encode("latin-1")


def test_an_alias_leads_nowhere_else(tmp_path: Path, three: list[Bundle]) -> None:
    """A label that climbs out of the registry is not followed, though a bundle lies there."""
    registry = Registry(tmp_path / "models")
    registry.promote(three[0], CHAMPION, "promoted")
    path = registry.folder / CHAMPION
    path.write_text(path.read_text().replace(three[0].label, "../trained/a"))
    with pytest.raises(BundleError, match="has no bundle"):
        registry.aliased()


@pytest.mark.parametrize("name", ["../escape", "", ".hidden", "a/b", "x" * 300])
def test_a_name_that_is_not_fit_for_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    """The name comes from the bundle's manifest, which whoever made the bundle has written."""
    strange = bundle(tmp_path / "strange", "1", name=name)
    with pytest.raises(BundleError, match="not fit for a folder"):
        Registry(tmp_path / "models").promote(strange, CHAMPION, "promoted")
    assert not (tmp_path / "models").exists()


def test_what_is_no_registry_is_said_to_be_none(tmp_path: Path, three: list[Bundle]) -> None:
    """A missing folder, a file and a bundle are told apart."""
    (tmp_path / "file").write_text("")
    cases = {"nowhere": "no registry yet", "file": "is a file", "trained/a": "is a model bundle"}
    for name, message in cases.items():
        with pytest.raises(BundleError, match=message):
            Registry(tmp_path / name).check()
    with pytest.raises(BundleError, match="is a file"):
        Registry(tmp_path / "file").promote(three[0], CHAMPION, "promoted")


def test_a_bundle_or_a_registry_may_be_opened(tmp_path: Path, three: list[Bundle]) -> None:
    """A registry stands for its champion; without one the error says how to get one."""
    registry = Registry(tmp_path / "models")
    registry.promote(three[1], CHALLENGER, "promoted")
    with pytest.raises(BundleError, match="has no champion yet"):
        open_bundle(registry.folder)
    registry.promote(three[0], CHAMPION, "promoted")
    assert open_bundle(registry.folder).hash == open_bundle(three[0].folder).hash == three[0].hash
    with pytest.raises(BundleError, match="no such folder"):
        open_bundle(tmp_path / "nowhere")
    with pytest.raises(BundleError, match="not a model bundle"):
        open_bundle(tmp_path / "trained")


def test_a_bundle_is_found_by_its_hash(tmp_path: Path, three: list[Bundle]) -> None:
    """Aliased or not; an unknown hash and a missing folder give none."""
    registry = Registry(tmp_path / "models")
    for one in three[:2]:
        registry.promote(one, CHAMPION, "promoted")
    found = registry.find(three[0].hash)
    assert found is not None
    assert found.label == three[0].label
    assert registry.find(three[2].hash) is None
    assert registry.find(three[0].hash[:8] + "0" * 56) is None
    assert Registry(tmp_path / "nowhere").find(three[0].hash) is None


def test_a_bundle_beside_the_registry_is_a_stranger(tmp_path: Path) -> None:
    """`train --out models/mine` puts it there; it belongs to the registry once it was promoted."""
    bundle(tmp_path / "models" / "mine", "1")
    registry = Registry(tmp_path / "models")
    assert registry.labels() == []
    assert registry.strangers() == [tmp_path / "models" / "mine"]


# A child promotes `sys.argv[2]` in the registry `sys.argv[1]`; at its n-th touch of a file there it is killed, or the
# touch fails as on a full disk. One process forks all children, so that Python starts once.
BREAK = """
import errno, os, shutil, signal, sys
from pathlib import Path
from roompulse.bundle import load_bundle
from roompulse.errors import BundleError
from roompulse.registry import Registry
base, bundle, how = Path(sys.argv[1]), load_bundle(Path(sys.argv[2])), sys.argv[3]
state = {"left": -1, "registry": ""}
def watch(event, arguments):
    if state["left"] < 0 or not arguments or not str(arguments[0]).startswith(state["registry"]):
        return
    state["left"] -= 1
    if state["left"] == 0:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, "No space left on device")
sys.addaudithook(watch)
number = 0
while True:
    number += 1
    registry = base.with_name(f"{how}-{number}")
    shutil.copytree(base, registry)
    child = os.fork()
    if not child:
        state.update(left=number, registry=str(registry))
        try:
            Registry(registry).promote(bundle, "champion", "promoted")
        except BundleError as error:
            os._exit(1)
        except BaseException as error:
            os.write(2, f"{number}: {error!r}".encode())
            os._exit(2)
        os._exit(0 if state["left"] > 0 else 3)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 2:
        sys.exit(1)
    if code == 0:
        break
print(number)
"""


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


@pytest.mark.parametrize("how", ["kill", "full"])
def test_a_promotion_that_breaks_off_anywhere_leaves_a_whole_registry(
    tmp_path: Path, three: list[Bundle], how: str
) -> None:
    """Killed or out of space at any touch of a file: the champion is the old or the new one, whole, and it goes on."""
    base = Registry(tmp_path / "models")
    base.promote(three[0], CHAMPION, "promoted")
    broken = python(BREAK, base.folder, three[1].folder, how)
    assert broken.returncode == 0, broken.stderr
    seen = set()
    places = int(broken.stdout)
    for number in range(1, places):
        registry = Registry(tmp_path / f"{how}-{number}")
        seen.add(registry.aliased().hash)
        assert all(registry.open(label).label == label for label in registry.labels())
        registry.promote(three[2], CHAMPION, "promoted")
        registry.promote(three[1], CHAMPION, "promoted")
        assert registry.aliased().hash == three[1].hash
        left = {path.name for path in registry.folder.iterdir()}
        assert left == {CHAMPION, ".lock", *(one.label for one in three)}
    assert seen == {three[0].hash, three[1].hash}
    assert places > 15


def test_a_disk_that_is_full_changes_nothing(
    tmp_path: Path, three: list[Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes that do not reach the disk are noticed wherever that happens; the error says so."""
    registry = Registry(tmp_path / "models")
    registry.promote(three[0], CHAMPION, "promoted")
    for fails_at in range(1, 7):
        left = iter(range(1, 100))

        def full(number: int, left: Iterator[int] = left, fails_at: int = fails_at) -> None:
            if next(left) == fails_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(BundleError, match="No space left"):
            registry.promote(three[1], CHAMPION, "promoted")
        assert registry.aliased().hash == three[0].hash
        assert not [path for path in registry.folder.iterdir() if path.name.startswith((".promoting-", ".alias-"))]


LIMITED = """
import resource, sys
from pathlib import Path
from roompulse.bundle import load_bundle
from roompulse.registry import Registry
bundle = load_bundle(Path(sys.argv[2]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
Registry(Path(sys.argv[1])).promote(bundle, "champion", "promoted")
"""


def test_files_that_the_system_cuts_short_are_noticed(tmp_path: Path, three: list[Bundle]) -> None:
    """With a real limit on the size of files, no half-written bundle or alias stays."""
    registry = Registry(tmp_path / "models")
    registry.promote(three[0], CHAMPION, "promoted")
    for limit in (100, 400):
        cut = python(LIMITED, registry.folder, three[1].folder, limit)
        assert "cannot be written: File too large" in cut.stderr
        assert registry.aliased().hash == three[0].hash
        assert registry.labels() == [three[0].label]


AGAIN = """
import sys
from pathlib import Path
from roompulse.bundle import load_bundle
from roompulse.registry import Registry
registry, bundles = Registry(Path(sys.argv[1])), [load_bundle(Path(path)) for path in sys.argv[2:]]
print(sum(registry.promote(bundles[turn % len(bundles)], "champion", "promoted") for turn in range(30)))
"""


def test_promotions_at_once_wait_for_each_other(tmp_path: Path, three: list[Bundle]) -> None:
    """Three processes promote three bundles in turn: each change that one of them made is in the history."""
    folders = [str(one.folder) for one in three]
    command = [sys.executable, "-c", AGAIN, str(tmp_path / "models"), *folders]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(3)]
    registry = Registry(tmp_path / "models")
    reads = 0
    while any(process.poll() is None for process in racing):
        if registry.alias(CHAMPION) is not None:
            assert registry.aliased().hash in {one.hash for one in three}
            reads += 1
    made = sum(int(process.communicate()[0]) for process in racing)
    alias = registry.alias(CHAMPION)
    assert alias is not None
    assert alias.now is not None
    assert len(alias.changes) == made
    assert reads > 0
    assert all(before.hash != after.hash for before, after in zip(alias.changes, alias.changes[1:], strict=False))
    assert json.loads((registry.folder / CHAMPION).read_text())["label"] == alias.now.label
    assert load_bundle(registry.folder / alias.now.label).hash == alias.now.hash

"""The model registry: a folder of bundles, and alias files that say which of them is in use.

    models/
      step-1+b24ceff5/   a bundle, named by its label; never changed, never overwritten, never deleted
      champion           the bundle in use: its label, its hash and every change that led there
      challenger         the same for the one that is tried beside it
      .lock              held by whoever promotes or rolls back

A promotion copies the bundle beside its place, reads it back, renames it, and only then replaces the alias file, each
step on disk before the next. So a kill, a full disk or a second promotion at the same time leaves the alias where it
was or where it should be, never on a missing or half-written bundle. Readers need no lock.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from roompulse.aliases import CHAMPION, RETIRED, Alias, Change, alias_bytes, read_alias
from roompulse.bundle import FILES, MANIFEST, REPORT, Bundle, load_bundle, read_file
from roompulse.errors import BundleError

LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,159}\+[0-9a-f]{8}", re.ASCII)
LOCK_WAIT_S = 30.0
_LOCK, _PARTIAL, _PARTIAL_ALIAS = ".lock", ".promoting-", ".alias-"


class Registry:
    """One registry folder. Methods raise BundleError, saying what is wrong and where."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._alone = False

    def check(self) -> None:
        """Raise where the folder is missing or something else than a registry."""
        if not self.folder.exists():
            raise BundleError(
                f"{self.folder}: there is no registry yet; `roompulse models promote BUNDLE` makes one, "
                "--registry names another folder"
            )
        if not self.folder.is_dir() or (self.folder / MANIFEST).is_file():
            what = "a model bundle" if self.folder.is_dir() else "a file"
            raise BundleError(f"{self.folder}: is {what}, not a registry; a registry is a folder that holds bundles")

    def labels(self) -> list[str]:
        """The labels of all bundles, whole or not, in order. Empty where there is no such folder."""
        return [folder.name for folder in self._folders() if LABEL.fullmatch(folder.name)]

    def strangers(self) -> list[Path]:
        """Bundles that lie in the folder without being named by their label: they do not belong to the registry."""
        others = (folder for folder in self._folders() if not LABEL.fullmatch(folder.name))
        return [folder for folder in others if (folder / MANIFEST).is_file()]

    def open(self, label: str) -> Bundle:
        """The verified bundle with this label."""
        if not LABEL.fullmatch(label) or not (self.folder / label).is_dir():
            raise BundleError(
                f"{self.folder}: has no bundle {label!r}; there are: {', '.join(self.labels()) or 'none'}"
            )
        bundle = load_bundle(self.folder / label)
        if bundle.label != label:
            raise BundleError(f"{bundle.folder}: this bundle is {bundle.label}, its folder was renamed")
        return bundle

    def find(self, wanted: str) -> Bundle | None:
        """The bundle with this hash; None where it is not here."""
        for label in self.labels():
            if label.endswith(f"+{wanted[:8]}") and (bundle := self.open(label)).hash == wanted:
                return bundle
        return None

    def alias(self, name: str) -> Alias | None:
        """What an alias says; None where it was never set."""
        return read_alias(self.folder / name)

    def aliased(self, name: str = CHAMPION) -> Bundle:
        """The verified bundle that an alias points to."""
        alias = self.alias(name)
        if alias is None or alias.now is None:
            has = f"has no {name} yet" if alias is None else f"the {name} was retired"
            raise BundleError(f"{self.folder}: {has}; `roompulse models promote BUNDLE --as {name}` sets it")
        return self._behind(alias.now, name)

    def promote(self, bundle: Bundle, name: str, how: str) -> bool:
        """Take a bundle in, where it is not here yet, and point an alias to it. False where it already does.

        The caller has verified that the network does what it should.
        """
        if not LABEL.fullmatch(bundle.label):
            raise BundleError(f"{bundle.folder}: the name {bundle.label!r} is not fit for a folder; train it anew")
        with self.alone():
            alias = self.alias(name)
            self._take_in(bundle)
            if alias is not None and alias.now is not None and alias.now.hash == bundle.hash:
                return False
            before = () if alias is None else alias.changes
            self._point(name, (*before, Change(bundle.label, bundle.hash, how, _now())))
        return True

    def rollback(self, name: str, verify: Callable[[Bundle], object]) -> Bundle:
        """Point an alias to the bundle that it had before, once `verify` has not raised. May be done repeatedly."""
        self.check()
        with self.alone():
            alias = self.alias(name)
            if alias is None or alias.previous is None:
                has = "was never set" if alias is None else f"was never anything else than {alias.changes[-1].label}"
                raise BundleError(f"{self.folder}: cannot roll back: the {name} {has}")
            bundle = self._behind(alias.previous, name)
            verify(bundle)
            self._point(name, (*alias.changes, Change(bundle.label, bundle.hash, "rolled back", _now())))
        return bundle

    def retire(self, name: str) -> bool:
        """Let an alias point to nothing. False where it does not point to anything now."""
        self.check()
        with self.alone():
            alias = self.alias(name)
            if alias is None or alias.now is None:
                return False
            self._point(name, (*alias.changes, Change(alias.now.label, alias.now.hash, RETIRED, _now())))
        return True

    def _behind(self, change: Change, name: str) -> Bundle:
        bundle = self.open(change.label)
        if bundle.hash != change.hash:
            raise BundleError(f"{bundle.folder}: not the bundle that was made {name}: its hash is {bundle.hash}")
        return bundle

    def _folders(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise BundleError(f"{self.folder}: cannot be read: {error.strerror}") from error

    def _take_in(self, bundle: Bundle) -> None:
        target = self.folder / bundle.label
        if target.exists():
            if self.open(bundle.label).hash != bundle.hash:
                raise BundleError(
                    f"{target}: another bundle has this label already; train with another --model-version"
                )
            return
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.folder))
        try:
            partial.chmod(0o755)
            # What the manifest does not name stays behind: nobody has verified it.
            for name in (*FILES, MANIFEST, *(() if bundle.report is None else (REPORT,))):
                _write(partial / name, read_file(bundle.folder, name))
            if load_bundle(partial).hash != bundle.hash:
                raise BundleError(f"{bundle.folder}: changed while it was copied")
            _sync(partial)
            partial.rename(target)
            _sync(self.folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _point(self, name: str, changes: tuple[Change, ...]) -> None:
        number, partial = tempfile.mkstemp(prefix=_PARTIAL_ALIAS, dir=self.folder)
        os.close(number)
        try:
            Path(partial).chmod(0o644)
            _write(Path(partial), alias_bytes(Alias(changes)))
            Path(partial).replace(self.folder / name)
        finally:
            Path(partial).unlink(missing_ok=True)
        _sync(self.folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process change the registry at a time. The lock goes with the process that holds it.

        Who does more with a change than the change holds it around both, so that another's do not come between.
        """
        if self._alone:
            yield
            return
        try:
            if not self.folder.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
            self.check()
            with (self.folder / _LOCK).open("wb") as lock:
                self._wait_for(lock.fileno())
                self._clear()
                self._alone = True
                try:
                    yield
                finally:
                    self._alone = False
        except OSError as error:
            raise BundleError(f"{self.folder}: cannot be written: {error.strerror or error}") from error

    def _wait_for(self, lock: int) -> None:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise BundleError(f"{self.folder}: another promotion has been under way for long") from None
                time.sleep(0.02)

    def _clear(self) -> None:
        """Remove what a killed promotion left behind: nobody else writes such names while we hold the lock."""
        for path in self.folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob(f"{_PARTIAL_ALIAS}*"):
            path.unlink(missing_ok=True)


def open_bundle(folder: Path) -> Bundle:
    """A bundle's folder, or a registry's: then its champion. Raises BundleError."""
    registry = Registry(folder)
    if not (folder / MANIFEST).is_file() and (registry.labels() or (folder / CHAMPION).is_file()):
        return registry.aliased()
    return load_bundle(folder)


def _now() -> str:
    """A change is dated for people; nothing depends on it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)

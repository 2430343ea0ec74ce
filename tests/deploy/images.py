"""Images built for real, and commands run in them as a container with a read-only root would run them.

Nothing here needs a Docker engine: buildah builds, and a container is a mount namespace of its own (unshare) in which
the image's files are mounted read-only and only /tmp can be written, with the image's user and environment.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.require import ROOT, require

BUILD_TIMEOUT_S = 900
RUN_TIMEOUT_S = 120
BUILDER = ROOT.parent / "shared" / "tools" / "build-images"
CACHE = ROOT / ".cache" / "images"
THIS_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
"""Tests that are spread over several processes build an image once for all of them."""
ENVIRONMENT = os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}

# $1 is the image's root folder, $2 the user; the rest is the command.
_READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
root=$1 user=$2
shift 2
exec chroot --userspec="$user" "$root" "$@"
"""


def build(dockerfile: str, name: str) -> None:
    """Build an image with the repository's root as its context, once in a run of the tests; needs root, and buildah."""
    require("root", os.geteuid() == 0, "run the tests as root to build the images")
    require("buildah", shutil.which("buildah") is not None, "apt-get install buildah")
    require("debootstrap", shutil.which("debootstrap") is not None, "apt-get install debootstrap")
    require("the builder of images", BUILDER.exists(), f"{BUILDER} builds Dockerfiles without a Docker engine")
    command = [str(BUILDER), f"{dockerfile}={name}"]
    CACHE.mkdir(parents=True, exist_ok=True)
    stamp = CACHE / f"{name}.built"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == THIS_RUN:
            return
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, env=ENVIRONMENT
        )
        assert done.returncode == 0, done.stdout + done.stderr
        stamp.write_text(THIS_RUN, encoding="utf-8")


class Image:
    """A built image, mounted while this context lasts."""

    def __init__(self, name: str) -> None:
        self._container = _buildah("from", "--pull-never", f"localhost/{name}")
        self.root = Path(_buildah("mount", self._container))
        self.config: dict[str, Any] = json.loads(_buildah("inspect", self._container))["OCIv1"]["config"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _buildah("umount", self._container)
        _buildah("rm", self._container)

    def command(self, *arguments: str, env: Mapping[str, str] | None = None) -> list[str]:
        """What runs `arguments` in the image: its user, its environment and no other, a read-only root."""
        settings = [*self.config["Env"], *(f"{name}={value}" for name, value in (env or {}).items())]
        inside = ["/usr/bin/env", "--ignore-environment", f"--chdir={self.config['WorkingDir']}", *settings, *arguments]
        shell = ["/bin/sh", "-c", _READ_ONLY, "read-only", str(self.root), self.config["User"]]
        return ["unshare", "--mount", "--propagation", "private", *shell, *inside]

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in the image to its end."""
        command = self.command(*arguments, env=env)
        return subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)

    def must(self, script: str) -> str:
        """What a shell script in the image prints; it has to succeed."""
        done = self.run("/bin/sh", "-euc", script)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _buildah(*arguments: str) -> str:
    done = subprocess.run(
        ["buildah", *arguments], capture_output=True, text=True, timeout=RUN_TIMEOUT_S, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()

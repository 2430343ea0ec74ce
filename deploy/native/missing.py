"""What the stack needs of this machine, and how to get it."""

from __future__ import annotations

import re
import shutil
import subprocess

from roompulse.errors import RoomPulseError

JAVA_LEAST = 17
ALERTMANAGER_NAMES = ("prometheus-alertmanager", "alertmanager")
"""Debian's name for it, and its maker's."""


def program(*names: str) -> str | None:
    """The path of the first of these programs that is installed."""
    return next(filter(None, map(shutil.which, names)), None)


def insist_on_programs() -> None:
    """Raises RoomPulseError that names everything that is missing, with one command that installs it."""
    wanted = {
        "openjdk-17-jre-headless": java_fits(),
        "maven": program("mvn") is not None,
        "redis-server": program("redis-server") is not None,
        "prometheus": program("prometheus") is not None,
        "prometheus-alertmanager": program(*ALERTMANAGER_NAMES) is not None,
    }
    packages = [package for package, found in wanted.items() if not found]
    if packages:
        raise RoomPulseError(
            f"not installed: {', '.join(packages)}. On Debian or Ubuntu: "
            f"apt-get install --no-install-recommends {' '.join(packages)}"
        )


def java_fits() -> bool:
    """Whether there is a Java that Kafka runs on. A shim may be on the path and still fail, so it is asked."""
    if shutil.which("java") is None:
        return False
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    return answer.returncode == 0 and found is not None and int(found[1]) >= JAVA_LEAST

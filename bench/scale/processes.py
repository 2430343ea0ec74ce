"""What a process has used, from /proc: CPU time of all its threads and children, and memory. Linux only."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its children: Redis rewrites its append-only file in one.

    Raises FileNotFoundError once the process is gone.
    """
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    own_and_ended_ticks = sum(map(int, fields[11:15]))
    return own_and_ended_ticks / _TICKS_PER_S + sum(map(_cpu_of_living, children(pid)))


def children(pid: int) -> list[int]:
    """The process ids of a process's children that still run."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += map(int, (task / "children").read_text(encoding="utf-8").split())
        except FileNotFoundError:  # a thread that has just ended
            continue
    return found


def resident_bytes(pid: int) -> int:
    """Memory of a process that lies in RAM. Raises FileNotFoundError once it is gone."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * _PAGE_BYTES


def available_bytes() -> int:
    """Memory that the machine could still give."""
    lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return int(kilobytes) * 1024


def _cpu_of_living(pid: int) -> float:
    try:
        return cpu_seconds(pid)
    except FileNotFoundError:  # ended meanwhile: the next reading has it among the ended ones
        return 0.0

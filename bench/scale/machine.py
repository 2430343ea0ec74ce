"""The machine that was measured on: a figure without it says nothing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from deploy.native.apache_kafka import jars

_PACKAGES = ("kafka-python", "confluent-kafka", "numpy", "onnxruntime", "msgspec")


def machine() -> dict[str, str]:
    """Processor, cores, memory and versions by name."""
    return {
        "processor": _first(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo")) or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Apache Kafka": _kafka_version(),
        "Redis": _redis_version(),
    } | {name: version(name) for name in _PACKAGES}


def told(found: dict[str, str]) -> str:
    """The machine as one sentence."""
    hardware = f"{found['processor']}, {found['cores']} cores, {found['memory']}, {found['system']}"
    others = [
        f"{name} {text}" for name, text in found.items() if name not in {"processor", "cores", "memory", "system"}
    ]
    return f"{hardware}; {', '.join(others)}"


def _first(pattern: str, file: Path) -> str:
    match = re.search(pattern, file.read_text(encoding="utf-8"))
    return match[1].strip() if match else ""


def _kafka_version() -> str:
    names = [path.name for path in jars().glob("kafka_*.jar")]
    return names[0].removesuffix(".jar").rpartition("-")[2] if names else "unknown"


def _redis_version() -> str:
    binary = shutil.which("redis-server")
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout if binary else ""
    match = re.search(r"v=(\S+)", said)
    return match[1] if match else "unknown"

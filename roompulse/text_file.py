"""Text files that are either whole or not there."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from roompulse.errors import RoomPulseError


@contextmanager
def text_file(path: Path) -> Iterator[TextIO]:
    """Write a file, packed if its name ends in .gz. It appears under its name only when it is complete."""
    if not path.name:
        raise RoomPulseError(f"{path}: cannot be written: expected the name of a file")
    part = path.with_name(path.name + ".part")
    try:
        raw = part.open("wb")
    except OSError as error:
        raise RoomPulseError(f"{path}: cannot be written: {error.strerror or error}") from error
    try:
        with raw:
            if path.suffix == ".gz":
                # No time and no name inside: the same text gives the same bytes.
                with (
                    gzip.GzipFile("", "wb", fileobj=raw, compresslevel=6, mtime=0) as packed,
                    io.TextIOWrapper(packed, "utf-8", newline="") as text,
                ):
                    yield text
            else:
                with io.TextIOWrapper(raw, "utf-8", newline="") as text:
                    yield text
        part.replace(path)
    except OSError as error:
        raise RoomPulseError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)

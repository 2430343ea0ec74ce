"""Files of results: text files that are either whole or not there, and places that can be written to."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from roompulse.errors import RoomPulseError


def refuse_unwritable(folder: Path) -> None:
    """Raise OSError where nothing can be made in this folder, or where it would have to be made.

    By trying: permissions, read-only disks and files in the way have too many forms to be asked for.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with tempfile.TemporaryDirectory(prefix=".roompulse-", dir=folder):
        pass


def refuse_taken(path: Path) -> None:
    """Raise RoomPulseError where a file of results would replace another, or a link or a device."""
    try:
        path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise RoomPulseError(f"{path}: cannot be written: {error.strerror or error}") from error
    raise RoomPulseError(f"{path}: exists already; results are never overwritten, name another file")


@contextmanager
def new_text_file(path: Path) -> Iterator[TextIO]:
    """A `text_file` that replaces none."""
    refuse_taken(path)
    with text_file(path) as file:
        yield file


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

"""The cells of a CSV file, line by line, whatever the file holds: bounded in memory and time, plain or gzip."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from roompulse.errors import InputError

MAX_LINE_BYTES = 1 << 20
MAX_ROW_LINES = 100
"""A quoted cell may hold line ends, but a quote that is open for longer was never closed."""
_BUFFER_BYTES = 1 << 18

csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES * 2))


def open_history(file: str) -> BinaryIO:
    """Open a file for reading, unpacked if it is gzip. Raises InputError."""
    path = Path(file)
    try:
        if path.is_dir():
            raise InputError("expected a CSV file, this is a folder", file=file)
        plain = io.BufferedReader(io.FileIO(path), _BUFFER_BYTES)
        if plain.peek(2)[:2] == b"\x1f\x8b":
            return cast(BinaryIO, io.BufferedReader(_Unpacked(cast(BinaryIO, plain)), _BUFFER_BYTES))
        return cast(BinaryIO, plain)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=file) from None


class _Unpacked(io.RawIOBase):
    """The bytes inside a gzip file; closing it closes the file, which `gzip` leaves open."""

    def __init__(self, plain: BinaryIO) -> None:
        super().__init__()
        self._plain = plain
        self._gzip = gzip.GzipFile(fileobj=plain)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io's own buffer type is private
        return self._gzip.readinto(buffer)

    def close(self) -> None:
        self._gzip.close()
        self._plain.close()
        super().close()


class CsvLines:
    """Iterates over (line number, cells). What is no row goes to `bad`, and reading goes on with the next line.

    Lines are cut at line ends first and quotes are looked at afterwards, so a quote left open costs at most
    `MAX_ROW_LINES` lines of memory and one bad row. Empty lines are passed over.
    """

    def __init__(self, stream: BinaryIO, file: str, encoding: str, bad: Callable[[InputError], None]) -> None:
        self._stream = stream
        self._file = file
        self._encoding = encoding
        self._bad = bad
        self._line = 0
        self._ahead: deque[bytes] = deque()
        self.names: tuple[str, ...] = ()
        """The header, once it is known, to name columns in messages."""

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        encoding = self._encoding
        while raw := self._next():
            line = self._line
            try:
                text = raw.decode(encoding)
            except UnicodeDecodeError as error:
                self._bad(self._undecodable(raw, error))
                continue
            if line == 1:
                text = text.removeprefix("\ufeff")
            text = text.rstrip("\r\n")
            if '"' not in text:
                if text and not text.isspace():
                    yield line, text.split(",")
                continue
            try:
                yield line, self._quoted(text)
            except InputError as error:
                self._bad(error)

    def texts(self) -> Iterator[tuple[int, str]]:
        """(line number, text) of every line by itself, quotes or not; what is not in the encoding is passed over."""
        while raw := self._next():
            try:
                yield self._line, raw.decode(self._encoding).rstrip("\r\n")
            except UnicodeDecodeError:
                continue

    def _next(self) -> bytes:
        """The next line, or nothing at the end. Overlong lines are reported and passed over."""
        while raw := self._read():
            self._line += 1
            if len(raw) < MAX_LINE_BYTES or raw.endswith(b"\n"):
                return raw
            while raw and not raw.endswith(b"\n"):
                raw = self._read()
            message = f"got a line of more than {MAX_LINE_BYTES:,} bytes, expected a row"
            self._bad(InputError(message, file=self._file, line=self._line))
        return b""

    def _read(self) -> bytes:
        if self._ahead:
            return self._ahead.popleft()
        try:
            return self._stream.readline(MAX_LINE_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            # What was unpacked so far is good; the rest of this file is lost.
            message = f"the gzip data ends early or is damaged ({error}), expected a row or the end"
            self._bad(InputError(message, file=self._file, line=self._line + 1))
            self._stream = io.BytesIO()
            return b""
        except OSError as error:
            message = f"cannot be read: {error.strerror or error}"
            raise InputError(message, file=self._file, line=self._line + 1) from None

    def _quoted(self, text: str) -> list[str]:
        """The cells of a row with quotes, which may go on over line ends."""
        line = self._line
        taken: list[bytes] = []
        while True:
            try:
                cells = next(csv.reader([text], strict=True))
                problem = "" if not taken or len(cells) == len(self.names) else "the row does not fit the header"
            except csv.Error as error:
                problem = str(error)
            if not problem:
                self._line += len(taken)
                return cells
            following = b""
            if "unexpected end of data" in problem:
                while len(taken) < MAX_ROW_LINES and len(text) < MAX_LINE_BYTES and (following := self._read()):
                    taken.append(following)
                    text += "\n" + following.decode(self._encoding, "replace").rstrip("\r\n")
                    if b'"' in following:
                        break
            if b'"' not in following:
                # Those lines may be rows of their own: only the line on which the quote stands is given up.
                self._ahead.extendleft(reversed(taken))
                closed = "end of data" not in problem
                got = f"quotes that do not fit ({problem})" if closed else "a quote that is not closed"
                message = f"got {got}, expected a row"
                raise InputError(message, file=self._file, line=line)

    def _undecodable(self, raw: bytes, error: UnicodeDecodeError) -> InputError:
        before = raw[: error.start].decode(self._encoding, "replace").replace("\r", " ")
        place = len(next(csv.reader([before + "?"]))) - 1
        column = self.names[place] if place < len(self.names) and self.names[place] else str(place + 1)
        message = f"got bytes {raw[error.start : error.end].hex(' ')}, expected {self._encoding} (see --encoding)"
        return InputError(message, file=self._file, line=self._line, column=column)

"""Passwords: from a variable or a file, never from the command line, which every list of processes shows."""

from __future__ import annotations

from pathlib import Path

from roompulse.errors import InputError, UsageError
from roompulse.settings import PREFIX


def password_of(name: str, value: str, file: str) -> str:
    """The password `name`: the variable's `value`, or what `file` holds without the line end after it; empty for none.

    Raises UsageError where both are given, InputError where the file cannot be read or holds none. No message holds it.
    """
    if not file:
        return value
    flag = f"--{name.replace('_', '-')}-file"
    if value:
        raise UsageError(f"{flag} and {PREFIX}{name.upper()} are both given: give one")
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=f"{flag} {file}") from error
    except UnicodeDecodeError:  # its own words quote the bytes
        raise InputError("expected UTF-8", file=f"{flag} {file}") from None
    found = text.removesuffix("\n").removesuffix("\r")
    if not found or "\n" in found:
        raise InputError("expected one line, the password", file=f"{flag} {file}")
    return found

"""A registry's alias files: which bundle an alias points to, and every change that led there, in one file.

Where an alias stood and where it stands cannot disagree, for one replacement of one file moves both.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from roompulse.errors import BundleError

CHAMPION, CHALLENGER = "champion", "challenger"
ALIASES = (CHAMPION, CHALLENGER)
RETIRED = "retired"
HOW = ("promoted", "forced", "rolled back", RETIRED)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Change:
    """An alias was pointed to this bundle: `how` is promoted, forced or rolled back, `at` says when, in UTC.

    Where it is retired, the alias was taken from this bundle and points to none.
    """

    label: str
    hash: str
    how: str
    at: str


@dataclass(frozen=True, slots=True)
class Alias:
    """All changes, the newest last; never empty."""

    changes: tuple[Change, ...]

    @property
    def now(self) -> Change | None:
        """What the alias points to; None where it was retired."""
        return None if self.changes[-1].how == RETIRED else self.changes[-1]

    @property
    def previous(self) -> Change | None:
        """Where rolling back goes: each rollback undoes one promotion more, the first one a retirement."""
        stack: list[Change] = []
        for change in self.changes:
            if stack and stack[-1].how == RETIRED and change.how != "rolled back":
                stack.pop()  # a promotion ended it: nobody goes back to having none
            if change.how == "rolled back" and len(stack) > 1:
                stack.pop()
            else:
                stack.append(change)
        return stack[-2] if len(stack) > 1 else None


def alias_bytes(alias: Alias) -> bytes:
    """The contents of the file."""
    now = {"label": alias.now and alias.now.label, "hash": alias.now and alias.now.hash}
    text = json.dumps(now | {"changes": [asdict(change) for change in alias.changes]}, indent=1, ensure_ascii=False)
    return f"{text}\n".encode()


def read_alias(path: Path) -> Alias | None:
    """The alias in a file; None where there is no such file. Raises BundleError where it holds something else."""
    try:
        return _parsed(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise BundleError(
            f"{path}: not an alias of the registry ({error}); if it is of no use any more, move it away"
        ) from error


def _parsed(found: Any) -> Alias:
    # A label is not held against its pattern here: the registry does so before it opens what an alias names.
    alias = Alias(tuple(Change(**change) for change in found["changes"]))
    for change in alias.changes:
        if not _HASH.fullmatch(change.hash) or change.how not in HOW:
            raise ValueError(f"expected label, hash and one of {', '.join(HOW)}")
    now = (None, None) if alias.now is None else (alias.now.label, alias.now.hash)
    if now != (found["label"], found["hash"]):
        raise ValueError("its last change names another bundle than it does itself")
    return alias

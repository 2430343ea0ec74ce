"""The parser of every command: options are written in full.

argparse takes a part of an option's name for the whole: `--kafka-password X` would be `--kafka-password-file X`, and
what works today would mean something else on the day a second option begins the same way.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any


class FullNames(argparse.ArgumentParser):
    """An ArgumentParser that takes no part of a name for the whole, and says what the whole would be.

    The parsers of a command's actions are of this class too.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False} | kwargs)

    def parse_known_args(  # type: ignore[override]  # typeshed has an overload for each kind of namespace
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """The parsed and the unknown arguments. Ends the process with exit code 2 at a part of an option's name."""
        args = list(sys.argv[1:] if args is None else args)
        for argument in args[: args.index("--")] if "--" in args else args:
            name = argument.partition("=")[0]
            known = self._option_string_actions
            if name.startswith("--") and name not in known:
                whole = sorted(option for option in known if option.startswith(name))
                if whole:
                    self.error(f"unrecognized argument {name}: options are written in full, as {' or '.join(whole)}")
        return super().parse_known_args(args, namespace)

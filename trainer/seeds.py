"""The seed of a training as a command takes it."""

from __future__ import annotations

import argparse
import re

_LARGEST = 2**32 - 1
"""What all the generators of random numbers that a training uses can start from."""


def seed_number(text: str) -> int:
    """A seed from 0 to 2^32 - 1. Raises ArgumentTypeError."""
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) > _LARGEST:
        raise argparse.ArgumentTypeError(f"got {text}, expected a whole number from 0 to {_LARGEST}")
    return int(text)

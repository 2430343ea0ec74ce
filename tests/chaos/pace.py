"""What a fault is, and how long one waits for its moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.scene import Scene

Act = Callable[["Scene", random.Random], bool]
"""Returns when it is over and what it took is back; whether it struck: a step may never pass, a request never come."""

STRIKE_S = 40.0
SLICE_S = 2.0
"""What has not struck for so long gets another slice."""

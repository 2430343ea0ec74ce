"""A limit on a call into a library that does not keep its own."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any


def call_within(limit_s: float, call: Callable[..., object], *arguments: Any) -> None:
    """Call, and wait for the end of it for at most so long. Raises what the call raises, or TimeoutError.

    After a TimeoutError the call goes on in its thread, which keeps no process alive: what it works on must not be
    used again.
    """
    ended: SimpleQueue[Exception | None] = SimpleQueue()

    def run() -> None:
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 - it is raised again, in the thread that waits
            ended.put(error)
        else:
            ended.put(None)

    Thread(target=run, name="call-within", daemon=True).start()
    try:
        error = ended.get(timeout=limit_s)
    except Empty:
        raise TimeoutError(f"no end of it for {limit_s:g} s") from None
    if error is not None:
        raise error

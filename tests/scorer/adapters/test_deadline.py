"""A call with a limit."""

from __future__ import annotations

import threading

import pytest

from scorer.adapters.deadline import call_within


def test_a_call_that_ends_in_time_has_happened() -> None:
    """Nothing is raised, and the arguments arrived."""
    seen: list[int] = []
    call_within(60, seen.append, 3)
    assert seen == [3]


def test_what_a_call_raises_comes_through() -> None:
    """The error of the call itself, not one about its thread."""
    with pytest.raises(ZeroDivisionError):
        call_within(60, divmod, 1, 0)


def test_a_call_that_does_not_end_is_given_up() -> None:
    """The caller goes on; the thread would not keep the process alive."""
    for_ever = threading.Event()
    with pytest.raises(TimeoutError, match=r"no end of it for 0\.05 s"):
        call_within(0.05, for_ever.wait)
    (stuck,) = [thread for thread in threading.enumerate() if thread.name == "call-within"]
    assert stuck.daemon
    for_ever.set()
    stuck.join(60)

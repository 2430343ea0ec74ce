"""A process of the model: a thread that runs from one step to the next when it is told to, and never by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable

PATIENCE_S = 60.0


class Died(BaseException):
    """The process was killed here."""


class Strand:
    """Runs `body`, which calls `step` before everything that others could see.

    Between two steps nothing else runs, so a run is told by the order of its steps alone.
    """

    def __init__(self, body: Callable[[], None]) -> None:
        self._body = body
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._thread: threading.Thread | None = None
        self._fault, self._killed = "", False
        self.ended = False
        self.at = ""
        """The step that it is about to take."""
        self.error: BaseException | None = None

    @property
    def is_running_this(self) -> bool:
        """Whether the caller is in it."""
        return threading.current_thread() is self._thread

    def resume(self, fault: str = "") -> None:
        """Take the step that it stands before, with this fault, and stop before the next one."""
        self._fault = fault
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        else:
            self._go.release()
        assert self._back.acquire(timeout=PATIENCE_S), f"the process hangs after {self.at}"

    def kill(self) -> None:
        """End it before the step that it stands at."""
        if self._thread is None or self.ended:
            self.ended = True
            return
        self._killed = True
        self.resume()
        assert self.ended, "it goes on after its death"

    def step(self, name: str) -> str:
        """Called by the body: wait for the turn; the fault that this step is to meet."""
        if self._killed:  # what a process does on its way out is not done
            raise Died
        self.at = name
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise Died
        return self._fault

    def _run(self) -> None:
        try:
            self._body()
        except Died:
            pass
        except BaseException as error:  # noqa: BLE001 - the test's thread looks at it
            self.error = error
        self.ended = True
        self._back.release()

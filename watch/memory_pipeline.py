"""The demo where no embedded server fits: the rooms as a file, `roompulse backtest` at the same pace."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from watch.child import Child
from watch.feed import Feed
from watch.folder_feed import FolderFeed
from watch.pipeline import Account, Plan

OPEN_ENDED_MINUTES = 240
"""A file has to end; so long is the one for a run that was to go on until Ctrl-C."""


class MemoryPipeline:
    """The scorer's own loop over adapters in memory. Leaving `stack` ends it. `insist` is called while waiting."""

    def __init__(
        self, stack: ExitStack, folder: Path, plan: Plan, say: Callable[[str], None], insist: Callable[[], None]
    ) -> None:
        self.labels = folder / "labels.csv"
        self.metrics: str | None = None
        self.board: str | None = None
        history, results = folder / "rooms.csv", folder / "results"
        say("simulating the rooms")
        arguments = plan.simulate_arguments(plan.minutes or OPEN_ENDED_MINUTES, self.labels)
        with Child(folder, "simulate", f"--out={history}", *arguments) as simulate:
            while not simulate.ended:
                insist()
                time.sleep(0.05)
            self._sent = int(simulate.summary()["rows_written"])
        say("starting the scorer")
        self._backtest = stack.enter_context(
            Child(
                folder, "backtest", str(history), "--order=file", f"--speed={plan.speed:g}", f"--out={results}",
                "--no-clock", "--json",
            )
        )  # fmt: skip
        self._whole = False
        self.feed: Feed = FolderFeed(results, history)
        stack.callback(self.feed.close)

    def input_over(self) -> bool:
        """Whether the file has been scored."""
        return self._backtest.ended

    def end_input(self) -> None:
        """Score no more."""
        self._whole = self._backtest.stop()

    def scored(self) -> bool:
        """Whether nothing is under way: a backtest scores what it reads at once."""
        return True

    def account(self) -> Account:
        """The backtest's count; one that was stopped on the way has none."""
        if not self._whole:
            return Account(None, 0, 0, 0, 0, None, None)
        told = self._backtest.summary()
        return Account(
            self._sent, told["forecasts_out"], told["late"], told["duplicate"], told["dead_letters"], None, None
        )

"""An open page as a browser feels it: how often it is renewed, how long it keeps the main thread from anything else."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

WAIT_MS = 120_000
LONG_TASK_MS = 50.0
"""From here on a browser calls a task long: a click or a key waits for it noticeably (W3C Long Tasks)."""

_WATCH = """
window.seen = { tasks: [], updates: [] };
new PerformanceObserver((list) => list.getEntries().forEach((task) => seen.tasks.push(task.duration)))
  .observe({ type: "longtask" });
addEventListener("DOMContentLoaded", () =>
  new MutationObserver(() => {
    const last = seen.updates.at(-1);
    if (last === undefined || performance.now() - last > 50) seen.updates.push(performance.now());
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true }));
"""
_READ = "() => { const read = seen; window.seen = { tasks: [], updates: [] }; return read; }"


@dataclass(frozen=True, slots=True)
class Smoothness:
    """Of one page over some seconds. Times are milliseconds by the clock, `cpu_share` a part of a core."""

    updates: int
    gap_median_ms: float
    gap_longest_ms: float
    task_longest_ms: float
    long_tasks: int
    cpu_share: float


class WatchedPage:
    """A page that counts what it does from its first script on."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1360, "height": 900})
        self.page.set_default_timeout(WAIT_MS)
        self.page.add_init_script(_WATCH)
        self.page.goto(address)
        self._cost: CDPSession = self.page.context.new_cdp_session(self.page)
        self._cost.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._from_s, self._used_s = time.monotonic(), self._main_thread_s()

    def wait_until_live(self) -> None:
        """Return once the page shows rooms and says that nothing is left to be read."""
        self.page.wait_for_selector(".standing.good")

    def wait_for_a_room(self) -> None:
        """Return once a room is shown."""
        self.page.wait_for_selector(".hot tbody tr")

    def a_room(self) -> str:
        """The address of the hottest room's page."""
        return self.page.locator(".hot tbody a").first.get_attribute("href") or "/"

    def show(self) -> None:
        """Bring it to the front: a browser draws hidden pages rarely."""
        self.page.bring_to_front()

    def wait(self, seconds: float) -> None:
        """Let it run. Playwright passes its messages on meanwhile, which time.sleep would not."""
        self.page.wait_for_timeout(1000 * seconds)

    def begin(self) -> None:
        """Forget what was counted."""
        self.page.evaluate(_READ)
        self._from_s, self._used_s = time.monotonic(), self._main_thread_s()

    def end(self) -> Smoothness:
        """What was counted since `begin`."""
        return smoothness_of(
            self.page.evaluate(_READ),
            (self._main_thread_s() - self._used_s) / (time.monotonic() - self._from_s),
        )

    def close(self) -> None:
        """Leave the page."""
        self.page.close()

    def _main_thread_s(self) -> float:
        metrics = self._cost.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def smoothness_of(seen: dict[str, Any], cpu_share: float) -> Smoothness:
    """From what the page counted. A page that was renewed less than twice has gaps of NaN."""
    updates = seen["updates"]
    gaps = [later - sooner for sooner, later in pairwise(updates)]
    return Smoothness(
        updates=len(updates),
        gap_median_ms=statistics.median(gaps) if gaps else float("nan"),
        gap_longest_ms=max(gaps, default=float("nan")),
        task_longest_ms=max(seen["tasks"], default=0.0),
        long_tasks=len(seen["tasks"]),
        cpu_share=cpu_share,
    )

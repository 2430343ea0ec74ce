"""How the demo shows itself: a live picture in a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from roompulse.records import Alert
from watch.demo_screen import Standing, screen
from watch.glyphs import glyphs_for, plain
from watch.overview import Overview

LINE_EVERY_S = 5.0
PICTURES_PER_S = 5


class Display(Protocol):
    """Says single lines at any time, and shows the rooms between entering and leaving."""

    def say(self, line: str) -> None:
        """Tell one thing."""
        ...

    def show(self, overview: Overview, alerts: Iterable[Alert], standing: Standing) -> None:
        """Show how things are, `alerts` being new."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlainDisplay:
    """Lines, for logs and pipes: the first forecast, every alert, and the pace now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = self._said = time.monotonic()
        self._first = True

    def say(self, line: str) -> None:
        """Tell one thing."""
        self._console.print(Text(plain(line)), soft_wrap=True)

    def show(self, overview: Overview, alerts: Iterable[Alert], standing: Standing) -> None:
        """Tell what is new."""
        now = time.monotonic()
        if self._first and overview.forecasts:
            self._first = False
            self._said = now
            self.say(f"first forecast after {now - self._started:.1f} s")
        for alert in alerts:
            if alert.event == "open":
                self.say(f"{alert.opened[11:16]}  {alert.text}")
        if now - self._said >= LINE_EVERY_S and overview.forecasts:
            self._said = now
            delay = overview.delay_s()
            self.say(
                f"{overview.minute_text[11:16]}  {overview.events:,} events, "
                f"{overview.events_per_second(standing.now_s):,.0f} events/s, {overview.forecasts:,} forecasts"
                + ("" if delay is None else f", read {delay:.2f} s after sending")
                + f", {len(overview.open_alerts)} alerts open"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class LiveDisplay:
    """A full-screen picture, several times a second; the terminal is as it was afterwards."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._glyphs = glyphs_for(console.encoding)
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._shown = 0.0
        self._meanwhile: list[str] = []

    def say(self, line: str) -> None:
        """Tell one thing; while there is a picture, once it is gone."""
        if self._live.is_started:
            self._meanwhile.append(line)
        else:
            self._console.print(Text(plain(line), style="dim"))

    def show(self, overview: Overview, alerts: Iterable[Alert], standing: Standing) -> None:
        """Draw, if it is time to."""
        now = time.monotonic()
        if now - self._shown < 1 / PICTURES_PER_S:
            return
        self._shown = now
        size = self._console.size
        self._live.update(screen(overview, standing, self._glyphs, size.width, size.height), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        for line in self._meanwhile:
            self.say(line)

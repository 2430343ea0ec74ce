"""`python -m deploy.docs.screens` photographs a real demo's board and a report for docs/pictures, in Chromium.

Three minutes. `--only board` and `--only report` leave the other as it is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from deploy.docs.browser import chromium
from deploy.docs.transcript import ROOT
from roompulse.local_server import free_port
from watch.child import GuardedFolder
from watch.live_pipeline import LivePipeline
from watch.overview import Overview
from watch.pipeline import Plan

PICTURES = ROOT / "docs" / "pictures"
WIDTH, HEIGHT = 1260, 700
PHONE_WIDTH, PHONE_HEIGHT = 390, 844
SPEED, SHOWN_AFTER_MINUTES = 60.0, 65
REPORT_HEIGHT = 1410
REPORT_COMMANDS = (
    "simulate --out rooms.csv --labels labels.csv --seed 7 --rooms 60 --minutes 600",
    "backtest rooms.csv --labels labels.csv --out judged --report",
)
LARGEST_BYTES = 300_000
WAIT_MS = 60_000


def board_screens(browser: Browser) -> None:
    """The board in light and dark and on a phone, and the page of the room that is hottest by then."""
    overview = Overview()
    with ExitStack() as stack:
        folder = stack.enter_context(GuardedFolder(Path(tempfile.mkdtemp(prefix="roompulse-screens-")), keep=False))
        plan = Plan(rooms=200, seed=1, speed=SPEED, minutes=None, metrics_port=free_port(), board_port=free_port())
        pipeline = LivePipeline(stack, folder, plan, _say, lambda: None)
        if pipeline.board is None:
            sys.exit("there is no board to photograph")
        while len(overview.forecast_minutes) < SHOWN_AFTER_MINUTES:
            overview.take(pipeline.feed.poll(0.2), time.time())
        page = _page(browser, "light", WIDTH, HEIGHT)
        page.goto(pipeline.board)
        page.wait_for_selector(".hot tbody tr")
        _keep(page, "board-light")
        surging = page.locator(".hot tbody tr.surge a")
        room = (surging if surging.count() else page.locator(".hot tbody a")).first.get_attribute("href")
        for name, theme, width, height, path in (
            ("board-dark", "dark", WIDTH, HEIGHT, ""),
            ("board-phone", "light", PHONE_WIDTH, PHONE_HEIGHT, ""),
            ("board-room", "light", WIDTH, 1190, str(room).removeprefix("/")),
        ):
            page = _page(browser, "dark" if theme == "dark" else "light", width, height)
            page.goto(pipeline.board + path)
            page.wait_for_selector("canvas" if path else ".hot tbody tr")
            _keep(page, name)


def report_screen(browser: Browser) -> None:
    """The top of the report that the commands of docs/report.md make."""
    with GuardedFolder(Path(tempfile.mkdtemp(prefix="roompulse-screens-")), keep=False) as folder:
        for command in REPORT_COMMANDS:
            subprocess.run([sys.executable, "-m", "roompulse", *command.split()], cwd=folder, check=True)
        page = _page(browser, "light", WIDTH, REPORT_HEIGHT)
        page.goto((folder / "judged" / "report.html").as_uri())
        page.wait_for_selector(".js-plotly-plot .main-svg")
        _keep(page, "report")


def _page(browser: Browser, theme: Literal["dark", "light"], width: int, height: int) -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=theme, timezone_id="Asia/Shanghai"
    )
    page.set_default_timeout(WAIT_MS)
    return page


def _keep(page: Page, name: str) -> None:
    path = PICTURES / f"{name}.png"
    page.wait_for_timeout(1500)  # the charts are drawn on the frame after their data
    page.screenshot(path=path)
    size = path.stat().st_size
    _say(f"{path.name}: {size:,} bytes")
    if size > LARGEST_BYTES:
        sys.exit(f"{path.name} is larger than {LARGEST_BYTES:,} bytes")


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> None:
    """Photograph what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m deploy.docs.screens", description="Photographs for the docs.")
    parser.add_argument("--only", choices=("board", "report"), help="not the other")
    only = parser.parse_args().only
    with chromium() as browser:
        if only != "report":
            board_screens(browser)
        if only != "board":
            report_screen(browser)


if __name__ == "__main__":
    main()

"""A real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from deploy.docs.browser import chromium as installed_chromium
from tests.require import ROOT, require

SHOTS = ROOT / "build" / "screenshots"
"""Pictures of what the tests saw, for whoever looks into a failure; git ignores them."""
DEADLINE_MS = 60_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Skips or fails as `require` does where it is not installed."""
    require("Chromium", shutil.which("chromium") is not None, "apt-get install chromium")
    with installed_chromium() as browser:
        yield browser


def keep_picture(page: Page, name: str) -> Path:
    """A picture of the whole page in the folder for them."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    path = SHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path

"""Debian's Chromium, driven by Playwright, whose own browsers are not downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from roompulse.errors import RoomPulseError


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Raises RoomPulseError where it is not installed."""
    binary = shutil.which("chromium")
    if binary is None:
        raise RoomPulseError("Chromium is not installed: apt-get install chromium")
    # Its sandbox needs user namespaces, which root and containers do not have.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=[*arguments, "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()

"""Where everything is required (`ROOMPULSE_REQUIRE_ALL=1`), a skip is a failure: nothing can hide in green."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import settings

from tests.require import require_all

pytest_plugins = ["tests.services.fixtures"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Every test, marked or skipping itself. An expected failure (xfail) is not a skip."""
    return _no_skip((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Every module that skips itself as a whole, as `pytest.importorskip` does."""
    return _no_skip((yield))


def _no_skip(report: Report) -> Report:
    if require_all() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason} (ROOMPULSE_REQUIRE_ALL=1: nothing may be skipped)"
    return report

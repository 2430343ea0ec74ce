"""`python -m deploy.docs` writes docs/reference anew. docs/pictures has a command of its own: deploy.docs.pictures."""

from __future__ import annotations

from pathlib import Path

from deploy.docs.commands import commands_page
from deploy.docs.errors import errors_page
from deploy.docs.metrics import metrics_page
from deploy.docs.records import records_page
from deploy.docs.rules import RULES, rules_page
from deploy.docs.settings import settings_page

ROOT = Path(__file__).resolve().parent.parent.parent


def reference_pages() -> dict[str, str]:
    """Every generated page by its file name."""
    pages = {
        "commands.md": commands_page(),
        "settings.md": settings_page(),
        "metrics.md": metrics_page(),
        "records.md": records_page(ROOT / "docs" / "asyncapi.yaml"),
        "errors.md": errors_page(),
    }
    return pages | ({"rules.md": rules_page(RULES)} if RULES.is_dir() else {})


if __name__ == "__main__":
    for name, text in reference_pages().items():
        (ROOT / "docs" / "reference" / name).write_text(text, encoding="utf-8")

"""docs/reference and the tutorial's output are what the code gives now."""

from __future__ import annotations

from deploy.docs.__main__ import reference_pages
from deploy.docs.report_pictures import report_pictures
from deploy.docs.transcript import TUTORIAL, retold
from tests.require import ROOT


def test_the_reference_is_up_to_date() -> None:
    """Every generated page as it is committed; `make docs` renews them."""
    folder = ROOT / "docs" / "reference"
    committed = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert committed == reference_pages(), "run `make docs`"


def test_the_reports_plots_are_those_of_the_shipped_model() -> None:
    """docs/pictures has them as they stand in the bundle; `python -m deploy.docs.pictures` renews them."""
    for name, picture in report_pictures().items():
        assert (ROOT / "docs" / "pictures" / f"{name}.svg").read_text(encoding="utf-8") == picture


def test_the_tutorial_shows_what_its_commands_print() -> None:
    """Each command of a console block, run again; `python -m deploy.docs.transcript` renews the page."""
    page = TUTORIAL.read_text(encoding="utf-8")
    assert page.count("```console\n$ roompulse") >= 4
    assert retold(page) == page, "run `python -m deploy.docs.transcript`"

"""The documentation site builds without a warning, and needs nothing from elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.docs.outside_links import LINK
from tests.require import ROOT

LOADS = re.compile(r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=\"?(https?:)?//[^>]*>")
STYLE_LOADS = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//")


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build as `make docs` does."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=source, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_on_the_site(site: Path) -> None:
    """Each Markdown file is a page; the AsyncAPI document and what pages link to outside docs lie beside them."""
    for source in (ROOT / "docs").rglob("*.md"):
        page = source.relative_to(ROOT / "docs").with_suffix("")
        folder = site if page.name == "index" else site / page
        assert (folder / "index.html").is_file(), source
        for link in LINK.finditer(source.read_text(encoding="utf-8")):
            target = (source.parent / link["path"]).resolve()
            if target.is_file() and not target.is_relative_to(ROOT / "docs"):
                assert any(file.read_bytes() == target.read_bytes() for file in site.rglob(f"{target.name}*")), link
    assert (site / "asyncapi.yaml").is_file()


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """No script, style, font or picture of another host: the site works where there is no internet."""
    for file in site.rglob("*"):
        if file.suffix == ".html":
            found = [m[0] for m in LOADS.finditer(file.read_text(encoding="utf-8")) if 'rel="canonical"' not in m[0]]
            assert not found, f"{file}: {found}"
        if file.suffix in {".css", ".svg"}:
            assert not STYLE_LOADS.search(file.read_text(encoding="utf-8")), file


def test_what_would_be_dead_is_refused(tmp_path: Path) -> None:
    """Links to nowhere in and out of docs, to a heading that is not there, and a page that nobody would find."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    with (tmp_path / "docs" / "quick-start.md").open("a", encoding="utf-8") as file:
        file.write("\n[a](nowhere.md) [b](../nowhere.yml) [c](alerts.md#no-such-heading)\n")
    (tmp_path / "docs" / "stray.md").write_text("# A page that the navigation does not have\n", encoding="utf-8")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    for complaint in ("nowhere.md", "'nowhere.yml'", "no-such-heading", "stray.md"):
        assert complaint in done.stderr

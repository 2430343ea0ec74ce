"""A hook of MkDocs: a page may link to a file of the repository that lies outside docs, as it does on a code host.

The site has a copy of the file, below `files/`. A link to a folder becomes plain text. What is not there is a warning.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

COPIES = "files"
LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<path>\.\./[^)\s#]+)\)")
_log = logging.getLogger("mkdocs.hooks.outside_links")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take in every file that a page links to."""
    root = Path(config.docs_dir).parent
    for source in list(files.documentation_pages()):
        for found in LINK.finditer(source.content_string):
            path = _outside(source.src_uri, found["path"])
            if path and (root / path).is_file() and not files.get_file_from_path(_copy_of(path)):
                files.append(File.generated(config, _copy_of(path), abs_src_path=str(root / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn such links to the copies."""
    root = Path(config.docs_dir).parent

    def turned(found: re.Match[str]) -> str:
        path = _outside(page.file.src_uri, found["path"])
        if not path:
            return found[0]
        if (root / path).is_file():
            return (
                f"[{found['text']}]({posixpath.relpath(_copy_of(path), posixpath.dirname(page.file.src_uri) or '.')})"
            )
        if not (root / path).is_dir():
            _log.warning("Doc file '%s' links to '%s', which the repository does not have.", page.file.src_uri, path)
        return found["text"]

    return LINK.sub(turned, markdown)


def _outside(page: str, link: str) -> str:
    """The linked file's place in the repository; empty where it is within docs."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return "" if path.startswith(("docs/", "../")) or path == "docs" else path


def _copy_of(path: str) -> str:
    """A page of its own is what a copied Markdown file must not become."""
    return f"{COPIES}/{path}{'.txt' if path.endswith('.md') else ''}"

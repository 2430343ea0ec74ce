"""README.md and README.zh-CN.md say the same, and what they link to is there."""

from __future__ import annotations

import re

import pytest

from tests.require import ROOT

README, CHINESE = "README.md", "README.zh-CN.md"
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`\n]+`")
NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*(?![\w])")


def text(name: str) -> str:
    """A page."""
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    """A page without its code blocks."""
    return FENCED.sub("", text(name))


def commands(name: str) -> list[str]:
    """The code blocks of a page, without the comments of console lines, which are translated."""
    return [re.sub(r" +# .*", "", block) for block in FENCED.findall(text(name))]


def tidy_numbers(name: str) -> list[str]:
    """The figures of a page's prose, in order of size; a translation puts them elsewhere in a sentence."""
    written = re.sub(r"\bone\b", "", CODE.sub("", LINK.sub("]", prose(name))))
    return sorted(number.rstrip(".,") for number in NUMBER.findall(written))


def test_both_have_the_same_sections() -> None:
    """Headings of the same depth in the same order."""
    depths = [re.findall(r"^(#+) ", prose(name), re.MULTILINE) for name in (README, CHINESE)]
    assert depths[0] == depths[1]


def test_both_have_the_same_code() -> None:
    """Commands, the alert and the rest, block by block; comments behind a command are translated."""
    assert commands(README) == commands(CHINESE)
    comments = [len(re.findall(r" # ", block)) for block in FENCED.findall(text(README))]
    assert comments == [len(re.findall(r" # ", block)) for block in FENCED.findall(text(CHINESE))]


def test_both_name_the_same_things_and_figures() -> None:
    """Links, code in the text and numbers."""
    links = [sorted(set(LINK.findall(prose(name))) - {README, CHINESE}) for name in (README, CHINESE)]
    assert links[0] == links[1]
    assert sorted(CODE.findall(prose(README))) == sorted(CODE.findall(prose(CHINESE)))
    assert tidy_numbers(README) == tidy_numbers(CHINESE)


def test_both_have_the_same_tables_and_lists() -> None:
    """As many rows and points."""
    shapes = [re.findall(r"^(\||- )", prose(name), re.MULTILINE) for name in (README, CHINESE)]
    assert shapes[0] == shapes[1]


def test_each_links_to_the_other() -> None:
    """Before the first section."""
    assert f"({CHINESE})" in text(README).split("\n## ")[0]
    assert f"({README})" in text(CHINESE).split("\n## ")[0]


@pytest.mark.parametrize("name", [README, CHINESE, "CHANGELOG.md"])
def test_what_is_linked_is_there(name: str) -> None:
    """Files and folders of the repository, and headings within them."""
    for link in LINK.findall(prose(name)):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            assert (ROOT / path).exists(), link
            headings = re.findall(r"^#+ (.+)$", text(path), re.MULTILINE) if anchor else []
            slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert not anchor or anchor in slugs, link


def test_the_chinese_page_is_chinese() -> None:
    """No paragraph is left in English, and simplified characters are used."""
    paragraphs = [part for part in prose(CHINESE).split("\n\n") if len(CODE.sub("", part).split()) > 8]
    assert all(re.search(r"[一-鿿]{4}", part) for part in paragraphs)
    assert not set("為說個關於實際時間這裡檢測資訊應該") & set(prose(CHINESE)) - set("于实际时间")

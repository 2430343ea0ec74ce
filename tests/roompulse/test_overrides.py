"""A settings file: read strictly, and what is wrong with it is said with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import UNSET

from roompulse.errors import InputError
from roompulse.overrides import Override, Overrides, read_overrides
from roompulse.rules import Rules

GOOD = """
[rules]
minimum_excess = 10          # a whole number does for a fraction

[category."食品"]
surge_budget = 4
hotspot_minutes = 20

[room."room 17"]
kinds = ["surge"]
[room.quiet]
kinds = []
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_settings_file_is_read(tmp_path: Path) -> None:
    """All rooms, categories, rooms; what is not said stays unset."""
    assert read_overrides(written(tmp_path, GOOD)) == Overrides(
        Override(minimum_excess=10.0),
        {"食品": Override(surge_budget=4.0, hotspot_minutes=20)},
        {"room 17": Override(kinds=("surge",)), "quiet": Override(kinds=())},
    )


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    """As if there were none."""
    assert read_overrides(written(tmp_path, "# nothing yet\n")) == Overrides()


def test_what_may_be_set_are_rules() -> None:
    """Names of `Rules` but for the switch of kinds, and nothing is set by default."""
    names = set(Override.__struct_fields__)
    assert names - set(Rules.__struct_fields__) == {"kinds"}
    assert {getattr(Override(), name) for name in names} == {UNSET}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rules\n", ": expected TOML: "),
        ("a = 1\n", ": [a]: expected the tables [rules], [category.NAME] and [room.ID]"),
        ("\n[rule]\nbar = 1\n", ", line 2: [rule]: expected the tables"),
        ("rules = 3\n", ": [rules]: expected a table"),
        ("category = 3\n", ': [category]: expected tables such as [category."a name"]'),
        ("[category]\nbar = 3\n", ': [category."bar"]: expected a table'),
        ("[rules]\n\nbudget = 1\n", ", line 3: [rules] budget: no such setting; there are surge_budget, slump_"),
        ('[rules]\nkinds = "surge"\n', ", line 2: [rules] kinds: got 'surge': Expected `array`, got `str`"),
        ('[rules]\nsurge_budget=1\n[room."a b"]\nsurge_budget = 0\n', ', line 4: [room."a b"] surge_budget: got 0: '),
        ("[room.a]\nminimum_excess = -1\n", ", line 2: [room.\"a\"] minimum_excess: got -1: Expected `float` >= 0"),
        ("[room.a]\nhotspot_minutes = 2.5\n", ", line 2: [room.\"a\"] hotspot_minutes: got 2.5: Expected `int`"),
        ("[room.a]\nhotspot_percent = nan\n", ", line 2: [room.\"a\"] hotspot_percent: got nan: Expected `float` >= 0"),
        ("[room.a]\nsurge_budget = inf\n", ", line 2: [room.\"a\"] surge_budget: got inf: Expected `float` <= 1440"),
        ("[rules]\nslump_budget = nan\n", ", line 2: [rules] slump_budget: got nan: Expected `float` > 0"),
        ('[rules]\nkinds = ["surges"]\n', ", line 2: [rules] kinds: got ['surges']: Invalid enum value"),
        ("[rules]\nhotlist_size = 5\n", ", line 2: [rules] hotlist_size: no such setting"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    """The table as one writes it, the key, what was got and what was expected."""
    with pytest.raises(InputError) as error:
        read_overrides(written(tmp_path, text))
    assert str(error.value).startswith(f"{tmp_path / 'settings.toml'}{message}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """One message, no traceback; text that is not UTF-8, or nested without end, likewise."""
    with pytest.raises(InputError, match=r"none\.toml: cannot be read: No such file"):
        read_overrides(tmp_path / "none.toml")
    with pytest.raises(InputError, match=r"settings\.toml: expected TOML: nested too deeply"):
        read_overrides(written(tmp_path, "[rules]\nminimum_excess = " + "[" * 100_000))
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"bad\.toml: expected TOML: 'utf-8' codec"):
        read_overrides(tmp_path / "bad.toml")

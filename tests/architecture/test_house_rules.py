"""How code is written here, as far as a machine can tell."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.sources import INSTALLED, source_files, syntax
from tests.require import ROOT

LONG = 250
SECOND_LOOK: dict[str, str] = {}
"""Files that may be longer than the norm, each with the reason that a second look gave."""

EMPTY_NAMES = re.compile(r"(?:^Base(?=[A-Z]))|(?:Manager|Handler|Helper|Utils?|Base)$")
EMPTY_MODULES = {"base", "common", "handlers", "helpers", "managers", "misc", "util", "utils"}
MATRIX_PRODUCTS = {"dot", "einsum", "inner", "matmul", "tensordot", "vdot"}
SERVED = ("roompulse", "scorer")


def test_long_files_had_their_second_look() -> None:
    """A file beyond the norm is either cut or listed in SECOND_LOOK with its reason."""
    lengths = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in source_files()}
    long = {name: lines for name, lines in lengths.items() if lines > LONG and name not in SECOND_LOOK}
    assert not long
    assert not SECOND_LOOK.keys() - lengths.keys(), "SECOND_LOOK names files that are gone"


def test_names_say_what_a_thing_is() -> None:
    """No Manager, Handler, Helper, Utils or Base: such a name would fit anything."""
    empty = [f"{path}: module {path.stem}" for path in source_files() if path.stem.lstrip("_") in EMPTY_MODULES]
    for path in source_files():
        classes = (node for node in ast.walk(syntax(path)) if isinstance(node, ast.ClassDef))
        empty += [
            f"{path}:{node.lineno}: class {node.name}" for node in classes if EMPTY_NAMES.search(node.name.lstrip("_"))
        ]
    assert not empty, "\n".join(empty)


def test_served_numbers_come_from_no_matrix_product() -> None:
    """numpy's matrix products change their last bits with the batch size, which would break "replay equals live"."""
    products = [
        f"{path}:{node.lineno}"
        for path in source_files(*SERVED)
        for node in ast.walk(syntax(path))
        if (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult))
        or (isinstance(node, ast.Attribute) and node.attr in MATRIX_PRODUCTS)
    ]
    assert not products, "\n".join(products)


@pytest.mark.parametrize("package", INSTALLED)
def test_every_package_tells_type_checkers_that_it_is_typed(package: str) -> None:
    """`py.typed` lies in each package, or the types would be invisible to whoever installs RoomPulse."""
    assert (ROOT / package / "py.typed").is_file()

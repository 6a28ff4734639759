"""The guide of loads explains every class that a load can name, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from caravan.migration.load.fault_classes import (
    ENGINE_CLASSES,
    DuplicateClassError,
    FaultClass,
    fault_classes,
    register,
)
from tests.unit.docs.markdown import ROOT, table

SOURCES = (
    "src/caravan/migration/load",
    "src/caravan/migration/mapping",
    "src/caravan/migration/sync",
    "src/caravan/legacy/rps/mapping",
)
GUIDE = (ROOT / "docs/guide/load.md").read_text(encoding="utf-8")
GROUPS = {
    "address", "amount", "array", "bytes", "choice", "currency", "date", "enum", "field", "flag", "json", "key", "legacy", "list",
    "money", "number", "record", "reference", "row", "state", "target", "text", "time", "uuid", "value",
}  # fmt: skip
NAME = re.compile(r"([a-z]+)\.[a-z][a-z0-9_]*")
EMBEDDED = re.compile(r"'(reference\.[a-z_]+)'")


def classes_in(file: Path) -> Iterator[str]:
    """Yield texts of a module that have the form of a class, also inside SQL."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = NAME.fullmatch(node.value)
            if (found and found.group(1) in GROUPS) or node.value in {"mapping.failed", "mapping.one_way"}:
                yield node.value
            yield from EMBEDDED.findall(node.value)


def named_in_code() -> set[str]:
    files = (
        file
        for folder in SOURCES
        for file in (ROOT / folder).rglob("*.py")
        if file.name != Path(fault_classes.__code__.co_filename).name
    )
    return {name for file in files for name in classes_in(file)}


def test_every_class_is_explained_and_none_is_invented() -> None:
    assert {one.name for one in ENGINE_CLASSES} == named_in_code()
    assert set(ENGINE_CLASSES) <= set(fault_classes())


def test_the_guide_says_what_the_command_says() -> None:
    rows = table(GUIDE, "class", "what was found", "where it comes from", "what to do")
    assert [tuple(row.values()) for row in rows] == [
        (f"`{one.name}`", one.found, one.cause, one.fix)
        for one in sorted(ENGINE_CLASSES, key=lambda one: one.name)
    ]


def test_a_class_has_one_explanation() -> None:
    known = next(iter(fault_classes()))
    register(known)
    with pytest.raises(DuplicateClassError, match=known.name):
        register(FaultClass(known.name, "another", "story", "now"))


def test_every_exit_code_is_told() -> None:
    assert [row["exit code"] for row in table(GUIDE, "exit code", "means")] == ["0", "1", "2", "3", "4"]

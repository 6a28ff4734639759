"""The reference of errors is what the registry says, and the registry knows every error there is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from caravan.core.errors import find
from tests.unit.docs.markdown import ROOT, table
from tools.error_reference import PAGE, reference

SOURCE = ROOT / "src/caravan"


def codes_in(file: Path) -> Iterator[str]:
    """Yield the codes that classes of a module set."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name != "CaravanError":
            for line in node.body:
                if (
                    isinstance(line, ast.Assign)
                    and [target.id for target in line.targets if isinstance(target, ast.Name)] == ["code"]
                    and isinstance(line.value, ast.Constant)
                ):
                    yield str(line.value.value)


def test_the_page_is_what_the_registry_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `python -m tools.error_reference`"


def test_every_error_of_the_code_can_be_explained() -> None:
    reference()
    codes = {code for file in SOURCE.rglob("*.py") for code in codes_in(file)}
    assert codes
    assert sorted(code for code in codes if find(code) is None) == []


def test_every_error_says_what_to_do() -> None:
    rows = table(reference(), "code", "status", "situation", "what to do", "exit code")
    assert rows
    assert [row["code"] for row in rows if not all(row.values())] == []

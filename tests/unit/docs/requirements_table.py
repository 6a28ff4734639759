"""What is wrong with a table of requirements: the rules, apart from the tests that apply them."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

Row = dict[str, str]

_STATUS = re.compile(r"(done|open|declined): (\S.*)")
_TEST = re.compile(r"`([^`]+)`")
_TESTS = re.compile(r"`[^`]+`(?:, `[^`]+`)*")
_NOTE = re.compile(r" \(\S[^|]*\S\)")
_PLACE = re.compile(r"`([\w./-]+)`")


def missing_ids(rows: Iterable[Row], asked: Iterable[str]) -> list[str]:
    """Return the ids that are asked for and have no row, and those that nobody asked for."""
    return sorted({row["id"] for row in rows} ^ set(asked))


def repeated_ids(rows: Iterable[Row]) -> list[str]:
    """Return the ids with more than one row."""
    return sorted(name for name, times in Counter(row["id"] for row in rows).items() if times > 1)


def malformed_statuses(rows: Iterable[Row], parts: set[str]) -> list[str]:
    """Return one line for each status that is not done with tests, open with a part or declined with a place."""
    return [f"{row['id']}: {row['status']}" for row in rows if not _well_formed(row["status"], parts)]


def absent_tests(rows: Iterable[Row], root: Path) -> list[str]:
    """Return each test that a row names and the tree does not have."""
    return [f"{row['id']}: {test}" for row in rows for test in named_tests(row) if not _exists(test, root)]


def named_tests(row: Row) -> list[str]:
    """Return the tests that a done row names."""
    return _TEST.findall(row["status"]) if row["status"].startswith("done: ") else []


def cited_records(row: Row) -> list[str]:
    """Return the decision records that a row cites, as paths."""
    return [place for place in _PLACE.findall(row["status"]) if place.startswith("docs/adr/")]


def _well_formed(status: str, parts: set[str]) -> bool:
    found = _STATUS.fullmatch(status)
    if found is None:
        return False
    kind, rest = found.groups()
    if kind == "done":
        return _TESTS.fullmatch(rest) is not None
    if kind == "open":
        return any(
            rest == part or (rest.startswith(part) and _NOTE.fullmatch(rest[len(part) :])) for part in parts
        )
    return _PLACE.search(rest) is not None and len(_PLACE.sub("", rest).split()) > 3


def _exists(test: str, root: Path) -> bool:
    path, _, name = test.partition("::")
    file = root / path
    if not (path.startswith("tests/") and file.suffix == ".py" and file.is_file()):
        return False
    defined = set(_tests(ast.parse(file.read_text(encoding="utf-8"))))
    return name.partition("[")[0] in defined if name else bool(defined)


def _tests(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    """Yield what pytest would collect: functions, classes, and state machines given a name by assignment."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield prefix + node.name
            yield from _tests(node, f"{prefix}{node.name}::")
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            yield from (prefix + name for name in names if name.startswith("Test"))

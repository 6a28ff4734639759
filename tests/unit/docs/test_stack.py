"""The libraries, tools and commands that the requirements name are the ones the project declares."""

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.unit.docs.markdown import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DECLARED = {
    one.name: one
    for one in map(Requirement, [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]])
}
ASKED = {
    "alembic": "1.12.0", "asyncpg": "0.29.0", "celery": "5.3.0", "fastapi": "0.104.0", "httptools": "0",
    "jinja2": "3.1.0", "pydantic": "2.5.0", "pytest": "7.4.0", "pytest-asyncio": "0.21.0", "python-multipart": "0.0.6",
    "redis": "5.0.0", "sqlalchemy": "2.0.0", "uvicorn": "0.24.0", "uvloop": "0",
}  # fmt: skip
DECLINED = [
    "emails",
    "factory-boy",
    "httpx",
    "motor",
    "passlib",
    "psycopg2",
    "psycopg2-binary",
    "python-jose",
]


@pytest.mark.parametrize(("name", "floor"), ASKED.items(), ids=ASKED)
def test_a_declared_floor_is_not_below_the_one_asked(name: str, floor: str) -> None:
    floors = [Version(one.version) for one in DECLARED[name].specifier if one.operator == ">="]
    assert floors
    assert max(floors) >= Version(floor)


@pytest.mark.parametrize("name", DECLINED)
def test_a_library_we_declined_is_not_declared(name: str) -> None:
    assert name not in DECLARED


@pytest.mark.parametrize(
    ("package", "table"),
    [
        ("ruff", "ruff"),
        ("mypy", "mypy"),
        ("pytest", "pytest"),
        ("pytest-asyncio", "pytest"),
    ],
)
def test_a_tool_is_declared_and_configured(package: str, table: str) -> None:
    assert package in DECLARED
    assert PROJECT["tool"][table]


def test_mypy_is_strict() -> None:
    assert PROJECT["tool"]["mypy"]["strict"] is True


def test_the_coverage_gate_is_above_every_threshold_asked() -> None:
    assert PROJECT["tool"]["coverage"]["report"]["fail_under"] >= 90
    assert PROJECT["tool"]["coverage"]["run"]["branch"] is True


def test_the_project_describes_itself_in_pyproject() -> None:
    project = PROJECT["project"]
    assert project["name"] == "caravan-migrate"
    assert project["scripts"]["caravan"] == "caravan.entry.cli:main"
    assert PROJECT["build-system"]["build-backend"] == "hatchling.build"


@pytest.mark.parametrize(
    ("target", "runs"),
    [
        ("test-unit", "tests/unit"),
        ("test-integration", "tests/integration"),
        ("test-contract", "tests/contracts"),
    ],
)
def test_a_make_target_runs_the_tests_it_is_named_for(target: str, runs: str) -> None:
    assert re.search(rf"^{target}:.*\n(?:\t.*\n)*?\t.*pytest.* {runs}\b", MAKEFILE, re.MULTILINE)


def test_make_test_runs_everything_with_coverage() -> None:
    script = (ROOT / "scripts/test.sh").read_text(encoding="utf-8")
    assert re.search(r"^test:.*\n\t@sh scripts/test\.sh ", MAKEFILE, re.MULTILINE)
    assert re.search(r'pytest" .*--cov .*\btests$', script, re.MULTILINE)
    assert "--fail-under=100" in script

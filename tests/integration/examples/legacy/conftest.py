"""One Flask stand-in as deployed, one with the ids as documented, for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.fixtures.deduper_flask import FlaskDeduper, flask_deduper, scripted_program


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskDeduper]:
    """The stand-in as the legacy was deployed."""
    program = scripted_program(tmp_path_factory.mktemp("deployed") / "program")
    with flask_deduper(program) as running:
        yield running


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskDeduper]:
    """The stand-in with integer ids, as the legacy documents describe it."""
    program = scripted_program(tmp_path_factory.mktemp("documented") / "program")
    with flask_deduper(program, DEDUPER_FLASK_FIXED_IDS="1") as running:
        yield running

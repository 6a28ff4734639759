"""Every failure has a code and says what to do."""

from pathlib import Path

import pytest

from caravan.core import embedded
from caravan.core.embedded.errors import (
    EmbeddedDiskFullError,
    EmbeddedPermissionError,
    EmbeddedServerError,
    ServerDidNotStartError,
    start_failure,
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("FATAL:  could not write lock file: No space left on device", EmbeddedDiskFullError),
        ("initdb: error: could not create directory: Disk quota exceeded", EmbeddedDiskFullError),
        ('FATAL: could not open file "global/pg_control": Permission denied', EmbeddedPermissionError),
        ("identity namespace: unshare: Operation not permitted", EmbeddedPermissionError),
        ("FATAL: the database system is odd today", ServerDidNotStartError),
    ],
)
def test_the_last_words_of_a_server_tell_the_kind_of_failure(said: str, expected: type[EmbeddedServerError]):
    error = start_failure("PostgreSQL", ["before", said], Path("/x/postgres.log"))
    assert type(error) is expected
    assert "PostgreSQL" in error.message
    assert "/x/postgres.log" in error.message


def test_silence_is_said_too():
    assert "(nothing)" in start_failure("initdb", []).message


def test_each_error_has_a_code_of_its_own_and_a_way_out():
    errors = EmbeddedServerError.__subclasses__()
    assert len({error.code for error in errors}) == len(errors) == 8
    for error in errors:
        assert error.code.startswith("embedded.")
        assert error.fix
        assert error.title
        assert error.__name__ in embedded.__all__

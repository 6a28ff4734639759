"""One slip in many fields has one name."""

import pytest

from caravan.migration.shadow import Difference, Kind
from caravan.migration.shadow.causes import cause_of


@pytest.mark.parametrize(
    ("kind", "old", "new", "cause"),
    [
        (Kind.MISSING, "null", "", ("null is left out", True)),
        (Kind.MISSING, "7", "", ("left out", False)),
        (Kind.EXTRA, "", "null", ("null is added", True)),
        (Kind.EXTRA, "", "7", ("added", False)),
        (Kind.TYPE, "1", "1.0", ("integer became decimal", True)),
        (Kind.TYPE, "1", '"1"', ("integer became string", True)),
        (Kind.ORDER, "[1, 2]", "[2, 1]", ("other order", False)),
        (Kind.LENGTH, "1", "2", ("other length", False)),
        (Kind.REFERENCE, '"a"', '"b"', ("one id stands for two", False)),
        (Kind.VALUE, "1.50", "1.51", ("number changed by +0.01", True)),
        (Kind.VALUE, "1.50", "1.5", ("number written in another form", True)),
        (Kind.VALUE, "1.23456", "9.87654", ("other number", False)),
        (Kind.VALUE, "NaN", "Infinity", ("other number", False)),
        (Kind.VALUE, "1e999999999", "2", ("other number", False)),
        (Kind.VALUE, '"2026-03-01T12:00:00Z"', '"2026-03-01T11:00:00Z"', ("moment shifted by -3600 s", True)),
        (
            Kind.VALUE,
            '"2026-03-01T12:00:00Z"',
            '"2026-03-01T12:00:00+00:00"',
            ("moment written in another form", True),
        ),
        (Kind.VALUE, '"Open"', '"OPEN"', ("other case", True)),
        (Kind.VALUE, '"a  b"', '"a b"', ("other white space", True)),
        (Kind.VALUE, '"a"', '"b"', ("other text", False)),
        (Kind.VALUE, "true", "false", ("other value", False)),
        (Kind.VALUE, '"cut short…', '"cut short too…', ("other text", False)),
    ],
)
def test_what_was_done_to_a_value_has_a_name(kind: Kind, old: str, new: str, cause: tuple[str, bool]) -> None:
    assert cause_of(Difference("$.x", kind, old, new)) == cause


def test_a_status_is_a_cause_of_its_own() -> None:
    assert cause_of(Difference("status", Kind.VALUE, "200", "500")) == ("status 200 became 500", True)

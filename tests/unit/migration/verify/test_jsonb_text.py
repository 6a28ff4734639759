"""jsonb's text form in Python; the integration tests hold it against PostgreSQL."""

import pytest

from caravan.migration.verify.jsonb_text import jsonb_text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{}", "{}"),
        ("[]", "[]"),
        ("null", "null"),
        ("true", "true"),
        ("[false, null]", "[false, null]"),
        ('{"b":1,"a":2,"aa":3,"é":4}', '{"a": 2, "b": 1, "aa": 3, "é": 4}'),
        ('{"a":1,"a":2}', '{"a": 2}'),
        (
            "[1.0, 1.50, 1e2, 1.5e-3, -0, -0.0, 12345678901234567890123]",
            "[1.0, 1.50, 100, 0.0015, 0, 0.0, 12345678901234567890123]",
        ),
        ('"\\u00e9\\n\\u001f\\u007f\\/\\"\\\\"', '"é\\n\\u001f\x7f/\\"\\\\"'),
    ],
)
def test_the_text_is_postgresqls(given: str, expected: str) -> None:
    assert jsonb_text(given.encode()) == expected


@pytest.mark.parametrize("given", ["NaN", "[Infinity]", '"\\u0000"', '{"\\u0000":1}', "{", ""])
def test_what_jsonb_refuses_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        jsonb_text(given.encode())

"""Parameters of the RPS lists, read as leniently as the legacy read them."""

import pytest
from fastapi import Request

from caravan.core.http.errors import RequestInvalidError
from caravan.legacy.rps.parameters import ListParameters, list_parameters


def asked(query: str, word: str | None = "state") -> ListParameters:
    return list_parameters(Request({"type": "http", "query_string": query.encode(), "headers": []}), word)


def test_nothing_asked_is_the_newest_twenty() -> None:
    assert asked("") == ListParameters(
        q="",
        word="",
        from_=None,
        to=None,
        sort="created_at",
        dir="desc",
        limit=20,
        offset=0,
        csv=False,
    )


def test_texts_are_trimmed_and_lower_cased() -> None:
    found = asked("q=%20A%20b%20&state=%20OPEN&sort=Email&dir=ASC&format=CSV")
    assert (found.q, found.word, found.sort, found.dir, found.csv) == ("a b", "open", "email", "asc", True)


def test_a_list_without_a_word_ignores_it() -> None:
    assert asked("state=open", None).word == ""


@pytest.mark.parametrize(
    ("text", "limit", "offset"),
    [("5", 5, 5), ("0", 1, 0), ("-3", 1, 0), ("201", 200, 201), ("x", 20, 0), ("", 20, 0), ("9" * 20, 200, 2**31 - 1)],
)  # fmt: skip
def test_numbers_are_kept_within_bounds(text: str, limit: int, offset: int) -> None:
    found = asked(f"limit={text}&offset={text}")
    assert (found.limit, found.offset) == (limit, offset)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02", "2026-01-02T00:00:00"),
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678000+00:00"),
        ("2026-01-02 03:04%2B02:00", "2026-01-02T03:04:00+02:00"),
    ],
)
def test_moments_are_iso_8601(text: str, moment: str) -> None:
    assert asked(f"from={text}&to={text}").from_ == moment == asked(f"to={text}").to


@pytest.mark.parametrize("query", ["from=today", "to=1700000000", "q=%00", "state=a%00", "sort=%00"])
def test_what_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(RequestInvalidError):
        asked(query)

"""Query strings read into models, and answers that are bytes already."""

from datetime import UTC, datetime
from enum import StrEnum

import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field

from caravan.core.database.read_models import Detail
from caravan.core.http.read_models import (
    Instant,
    ListQuery,
    QueryReader,
    Word,
    detail_answer,
    page_answer,
    query_parameters,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Asked(ListQuery):
    colour: Colour | None = None
    name: Word | None = Field(None, description="Its name.")
    from_: Instant | None = Field(None, alias="from")
    needed: int = 3


class Needy(ListQuery):
    where: str


def request(query: str = "", path: str = "/things", **headers: str) -> Request:
    return Request(
        {
            "type": "http",
            "path": path,
            "query_string": query.encode("latin-1"),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
    )


def test_values_are_read_with_their_types() -> None:
    asked = QueryReader(Asked)(request("limit=7&colour=red&name=%D8%A3+b&from=2026-01-01"))
    assert (asked.limit, asked.colour, asked.name) == (7, Colour.RED, "أ b")
    assert asked.from_ == datetime(2026, 1, 1, tzinfo=UTC)


def test_filters_are_what_was_given_by_its_name_on_the_wire() -> None:
    asked = QueryReader(Asked)(request("from=2026-01-01T01:00:00%2B01:00&sort=x&cursor=c&limit=1"))
    assert asked.filters == {"from": "2026-01-01T01:00:00+01:00", "needed": 3}


def test_an_equal_query_string_is_read_once() -> None:
    reader = QueryReader(Asked)
    first = reader(request("limit=7"))
    assert reader(request("limit=7")) is first
    assert reader(request("limit=8")) is not first


def test_what_is_remembered_is_bounded() -> None:
    reader = QueryReader(Asked)
    for number in range(1100):
        reader(request(f"name={number}"))
    assert len(reader._known) <= 1024
    long = f"name=a&cursor={'x' * 600}"
    assert reader(request(long)) is not reader(request(long))


@pytest.mark.parametrize(
    ("query", "place", "message"),
    [
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("color=red", "color", "Extra inputs are not permitted"),
        ("colour=green", "colour", "'red' or 'blue'"),
        ("name=%00", "name", "U+0000"),
        ("from_=2026-01-01", "from_", "Extra inputs"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(query: str, place: str, message: str) -> None:
    with pytest.raises(RequestValidationError) as refused:
        QueryReader(Asked)(request(query))
    (error,) = refused.value.errors()
    assert error["loc"] == ("query", place)
    assert message in error["msg"]


def test_openapi_learns_the_parameters() -> None:
    parameters = {item["name"]: item for item in query_parameters(Asked)["parameters"]}
    assert list(parameters) == ["limit", "cursor", "sort", "colour", "name", "from", "needed"]
    assert parameters["limit"] == {
        "name": "limit",
        "in": "query",
        "required": False,
        "description": "Rows per page.",
        "schema": {"type": "integer", "default": 20, "minimum": 1, "maximum": 200},
    }
    assert parameters["colour"]["schema"] == {"type": "string", "enum": ["red", "blue"]}
    assert parameters["name"]["schema"] == {"type": "string", "minLength": 1, "maxLength": 200}
    assert parameters["from"]["schema"] == {"type": "string", "format": "date-time"}
    assert parameters["needed"]["schema"] == {"type": "integer", "default": 3}
    assert query_parameters(Needy)["parameters"][-1]["required"] is True


NEXT = b'{"data":[],"pagination":{"limit":2,"next":"abc"}}'


@pytest.mark.parametrize(
    ("query", "link"),
    [
        ("", '</things?cursor=abc>; rel="next"'),
        ("limit=2&cursor=old&q=%20", '</things?limit=2&q=%20&cursor=abc>; rel="next"'),
    ],
)
def test_a_page_links_to_its_next(query: str, link: str) -> None:
    answer = page_answer(request(query), NEXT)
    assert (answer.headers["link"], answer.body) == (link, NEXT)


def test_a_last_page_links_to_nothing() -> None:
    assert "link" not in page_answer(request(), b'{"data":[],"pagination":{"limit":2,"next":null}}').headers


@pytest.mark.parametrize(
    ("known", "status"),
    [(None, 200), ('"1-a"', 304), ('W/"1-a"', 304), ('"x", "1-a"', 304), (" * ", 304), ('"1-b"', 200), ("1-a", 200)],
)  # fmt: skip
def test_a_detail_is_sent_unless_the_caller_has_it(known: str | None, status: int) -> None:
    headers = {} if known is None else {"if_none_match": known}
    answer = detail_answer(request(**headers), Detail("1-a", b"{}"))
    assert (answer.status_code, answer.headers["etag"]) == (status, '"1-a"')
    assert answer.body == (b"{}" if status == 200 else b"")

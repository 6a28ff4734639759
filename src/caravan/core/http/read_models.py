"""The HTTP face of read models: parameters checked once per query string, answers that are bytes already."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from caravan.core.database.read_models import Detail
from caravan.core.paging import DEFAULT_LIMIT, MAX_LIMIT

__all__ = [
    "Instant",
    "ListQuery",
    "Money",
    "QueryReader",
    "Word",
    "detail_answer",
    "page_answer",
    "query_parameters",
]

_JSON: Final = "application/json"
_NEXT: Final = b'"next":"'
_END: Final = b'"}}'
_TAIL: Final = 4096
_REMEMBERED: Final = 1024
_LONGEST_REMEMBERED: Final = 512


def _in_utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not hold the character U+0000")
    return value


Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""RFC 3339, or a date; without offset it is UTC."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_without_nul)]
"""Text that a filter compares with."""

Money = Annotated[str, Field(pattern=r"^-?\d+\.\d{4}$", examples=["166.9440"])]
"""An exact amount with its four decimals, as text."""


class ListQuery(BaseModel):
    """Base of what a list takes. A subclass adds ``sort`` and its filters; an unknown parameter is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Rows per page.")
    cursor: str | None = Field(
        None, max_length=2000, description="`next` of the previous page, with the same sort."
    )
    sort: str = "-created_at"

    _not_filters: ClassVar[frozenset[str]] = frozenset({"limit", "cursor", "sort"})

    @cached_property
    def filters(self) -> dict[str, Any]:
        """The filters that were given, by their names on the wire."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(self._not_filters))


Q = TypeVar("Q", bound=BaseModel)


class QueryReader(Generic[Q]):
    """Reads the query string into a model; OpenAPI learns of it by ``query_parameters``.

    Clients ask the same things again: what was read is remembered by the query string, so that the usual list
    request costs one look-up.
    """

    def __init__(self, model: type[Q]) -> None:
        self._model = model
        self._known: dict[bytes, Q] = {}

    def __call__(self, request: Request) -> Q:
        """Return what the request asks for; raises ``RequestValidationError``."""
        raw: bytes = request.scope["query_string"]
        known = self._known.get(raw)
        if known is None:
            known = self._read(raw)
            if len(raw) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[raw] = known
        return known

    def _read(self, raw: bytes) -> Q:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
        values = dict(pairs)
        if len(values) != len(pairs):
            twice = sorted({name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1})
            raise RequestValidationError(
                [
                    {"loc": ("query", name), "msg": "given more than once", "type": "repeated"}
                    for name in twice
                ]
            )
        try:
            return self._model.model_validate(values)
        except ValidationError as error:
            raise RequestValidationError(
                [item | {"loc": ("query", *item["loc"])} for item in error.errors()]
            ) from None


def query_parameters(model: type[BaseModel]) -> dict[str, Any]:
    """Return the ``openapi_extra`` of a route whose query string a ``QueryReader`` of this model reads."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                **({"description": text} if (text := field.get("description")) else {}),
                "schema": _plain(field, definitions),
            }
            for name, field in schema["properties"].items()
        ]
    }


def _plain(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field's schema without "or null" (a parameter is given or not) and with its enum in place."""
    kept = {
        key: value for key, value in field.items() if key not in {"title", "description", "anyOf", "$ref"}
    }
    if kept.get("default", ...) is None:
        del kept["default"]
    options = [option for option in field.get("anyOf", (field,)) if option.get("type") != "null"]
    chosen = options[0]
    if reference := chosen.get("$ref"):
        chosen = definitions[reference.rpartition("/")[2]]
    hidden = {"title", "description", "anyOf", "default"}
    return {key: value for key, value in chosen.items() if key not in hidden} | kept


def page_answer(request: Request, body: bytes) -> Response:
    """Answer with a page, and a Link to the next one (RFC 8288) where there is one."""
    start = body.rfind(_NEXT, -_TAIL)
    if start < 0:
        return Response(body, media_type=_JSON)
    cursor = body[start + len(_NEXT) : -len(_END)].decode()
    query: str = request.scope["query_string"].decode("latin-1")
    kept = "".join(f"{part}&" for part in query.split("&") if part and not part.startswith("cursor="))
    link = f'<{request.scope["path"]}?{kept}cursor={cursor}>; rel="next"'
    return Response(body, headers={"Link": link}, media_type=_JSON)


def detail_answer(request: Request, found: Detail) -> Response:
    """Answer with one resource and its ETag; 304 without a body when the caller has it already (RFC 9110)."""
    tag = f'"{found.tag}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = request.headers.get("if-none-match")
    if known is not None and _names(known, tag):
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type=_JSON)


def _names(condition: str, tag: str) -> bool:
    return condition.strip() == "*" or tag in {
        part.strip().removeprefix("W/") for part in condition.split(",")
    }

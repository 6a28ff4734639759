"""Documents and lists kept as JSON: relaxed Extended JSON in a jsonb column."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder
from caravan.migration.mapping.codecs.lists import listed
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown
from caravan.migration.mapping.originals import exact_number, parsed_json, relaxed_json

__all__ = ["Json", "JsonList", "JsonText"]


@dataclass(frozen=True)
class Json(Codec):
    """Anything, as it is."""

    name: ClassVar[str] = "json"
    sql_type: ClassVar[SqlType] = "jsonb"
    lossy: ClassVar[str] = "the width of integers, the order of keys"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return relaxed_json

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return parsed_json


@dataclass(frozen=True)
class JsonList(Codec):
    """A list, or an object with numeric keys, as a list."""

    name: ClassVar[str] = "json list"
    takes: ClassVar[frozenset[str]] = frozenset({"list", "json"})
    sql_type: ClassVar[SqlType] = "jsonb"
    lossy: ClassVar[str] = "the width of integers, the order of keys, gaps in numeric keys"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _json_list

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return parsed_json


def _json_list(value: Any) -> bytes:  # noqa: ANN401 - any value of any source
    return relaxed_json(listed(value))


@dataclass(frozen=True)
class JsonText(Codec):
    """JSON in a column of text, as MariaDB, SQLite and CSV keep it; every number keeps all its digits."""

    name: ClassVar[str] = "json text"
    takes: ClassVar[frozenset[str]] = frozenset({"text", "json"})
    sql_type: ClassVar[SqlType] = "jsonb"
    lossy: ClassVar[str] = "white space, the order of keys, the first of equal keys"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _json_text

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return _as_text


def _json_text(value: Any) -> bytes:  # noqa: ANN401 - any value of any source
    if not isinstance(value, str):
        return relaxed_json(value)
    try:
        tree = json.loads(value, parse_float=exact_number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadValueError("json.not_json", f"{shown(value)} is no JSON") from None
    return relaxed_json(tree)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _as_text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw

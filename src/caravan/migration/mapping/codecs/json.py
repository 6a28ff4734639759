"""Documents and lists kept as JSON: relaxed Extended JSON in a jsonb column."""

from dataclasses import dataclass
from typing import Any, ClassVar

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder
from caravan.migration.mapping.codecs.lists import listed
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.originals import parsed_json, relaxed_json

__all__ = ["Json", "JsonList"]


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

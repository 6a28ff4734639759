"""Shapes of JSON values: gathered as evidence, described as a schema, written as one line per field."""

from caravan.migration.contract.schemas.describing import describe
from caravan.migration.contract.schemas.evidence import Evidence
from caravan.migration.contract.schemas.json_schema import json_schema
from caravan.migration.contract.schemas.notation import (
    NotationError,
    lines_of,
    schema_of_lines,
    schema_of_text,
    text_of,
)
from caravan.migration.contract.schemas.schema import ANY, NOTHING, Array, Field, Object, Schema, String

__all__ = [
    "ANY",
    "NOTHING",
    "Array",
    "Evidence",
    "Field",
    "NotationError",
    "Object",
    "Schema",
    "String",
    "describe",
    "json_schema",
    "lines_of",
    "schema_of_lines",
    "schema_of_text",
    "text_of",
]

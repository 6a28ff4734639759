"""A schema as JSON Schema 2020-12, the dialect of OpenAPI 3.1."""

from typing import Any

from caravan.migration.contract.formats import BY_NAME
from caravan.migration.contract.schemas.schema import Array, Object, Schema, String

__all__ = ["STRICT_INTEGER", "json_schema"]

STRICT_INTEGER = "x-integer"
"""Keyword of ours: JSON Schema takes 1.0 for an integer, clients with typed models do not."""


def json_schema(schema: Schema, *, closed: bool = False, strict: bool = False) -> dict[str, Any]:
    """Return the JSON Schema. ``closed`` forbids keys that were never seen; ``strict`` tells 1 from 1.0 by our keyword."""
    if schema.anything or schema == Schema():
        return {}
    types = sorted(schema.simple)
    told: dict[str, Any] = {}
    if schema.object is not None:
        types.append("object")
        told |= _object(schema.object, closed=closed, strict=strict)
    if schema.array is not None:
        types.append("array")
        told |= _array(schema.array, closed=closed, strict=strict)
    if strict and "integer" in schema.simple:
        told[STRICT_INTEGER] = True
    if schema.string is None:
        return {"type": _one_or_many(types), **told}
    if schema.string.values is not None and types:
        return _with_values(schema.string.values, types, told)
    types.append("string")
    return {"type": _one_or_many(types), **told, **_string(schema.string)}


def _with_values(values: frozenset[str], types: list[str], told: dict[str, Any]) -> dict[str, Any]:
    """Closed values beside other types: an ``enum`` would bind those too."""
    if types == ["null"]:
        return {"type": ["null", "string"], "enum": [None, *sorted(values)]}
    return {"anyOf": [{"type": _one_or_many(types), **told}, {"type": "string", "enum": sorted(values)}]}


def _string(text: String) -> dict[str, Any]:
    if text.values is not None:
        return {"enum": sorted(text.values)}
    form = BY_NAME.get(text.format or "")
    if form is None:
        return {}
    return {"pattern": form.pattern} if form.json is None else {"format": form.json, "pattern": form.pattern}


def _array(array: Array, *, closed: bool, strict: bool) -> dict[str, Any]:
    if array.positions is None:
        items = json_schema(array.items, closed=closed, strict=strict)
        return {"items": items} if items else {}
    return {
        "prefixItems": [json_schema(position, closed=closed, strict=strict) for position in array.positions],
        "minItems": len(array.positions),
        "maxItems": len(array.positions),
    }


def _object(table: Object, *, closed: bool, strict: bool) -> dict[str, Any]:
    if table.values is not None:
        told: dict[str, Any] = {
            "additionalProperties": json_schema(table.values, closed=closed, strict=strict)
        }
        form = BY_NAME.get(table.keys or "")
        return told if form is None else {**told, "propertyNames": {"pattern": form.pattern}}
    told = {
        "properties": {
            name: json_schema(known.schema, closed=closed, strict=strict)
            for name, known in table.fields.items()
        }
    }
    if required := sorted(name for name, known in table.fields.items() if known.required):
        told["required"] = required
    return {**told, "additionalProperties": False} if closed else told


def _one_or_many(types: list[str]) -> str | list[str]:
    return types[0] if len(types) == 1 else types

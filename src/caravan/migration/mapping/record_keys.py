"""The typed key of a record: its ``_id``, one column, several, or all it holds where the source declares none."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from caravan.core.ids import LegacyTag, composite_key
from caravan.migration.mapping.contract import UnmappableError
from caravan.migration.mapping.errors import BadValueError
from caravan.migration.mapping.keys import ReferenceKey, key_parts, key_value, typed_key
from caravan.migration.mapping.originals import canonical_json

__all__ = ["DOCUMENT_KEY", "key_fields", "record_key"]

DOCUMENT_KEY: Final = ("_id",)


def record_key(names: Sequence[str], document: Mapping[str, Any]) -> ReferenceKey:
    """Return the typed key of a record whose key these fields are.

    Several fields are the parts of a composite key, tagged ``s``. No field at all means a source without keys: the SHA-256 of the whole
    record, tagged ``b``, so that of equal records only the first is loaded, and the others are refused as ``key.repeated``.

    Raises:
        UnmappableError: ``key.missing``, ``key.not_a_key``.
    """
    if not names:
        return "b", sha256(canonical_json(dict(sorted(document.items())))).hexdigest()
    if len(names) == 1:
        return _typed(names[0], document)
    return "s", composite_key([_typed(name, document) for name in names])


def key_fields(
    names: Sequence[str], key: tuple[LegacyTag, str], shape: Literal["document", "row"]
) -> dict[str, Any]:
    """Return the fields that a key says: the inverse of ``record_key``, where the key is no hash.

    Raises:
        UnmappableError: ``key.not_a_key``: it has not the parts that the declaration names.
    """
    if not names:
        return {}
    if len(names) == 1:
        return {names[0]: key_value(*key, shape)}
    try:
        parts = key_parts(key[1])
        return {name: key_value(*part, shape) for name, part in zip(names, parts, strict=True)}
    except ValueError:
        raise UnmappableError(
            "key.not_a_key", ", ".join(names), f"{key[1]!r} has not {len(names)} parts"
        ) from None


def _typed(name: str, document: Mapping[str, Any]) -> ReferenceKey:
    value = document.get(name)
    if value is None:
        raise UnmappableError("key.missing", name, f"the record has no {name}")
    if isinstance(value, datetime) and name != DOCUMENT_KEY[0]:
        return "s", value.isoformat()
    try:
        return typed_key(value)
    except BadValueError as error:
        raise UnmappableError(error.kind, name, error.detail) from None

"""Turns the shell forms of old exports, ``ISODate("…")`` and its like, into Extended JSON; strings stay as they are."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["without_shell_forms"]

_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FORM: Final = re.compile(
    rf"(?P<string>{_STRING})"
    rf"|(?:\bnew\s+)?\b(?P<name>[A-Z][A-Za-z]+)\s*\((?P<arguments>(?:[^()\"]|{_STRING})*+)\)"
    r"|\b(?P<word>undefined|MinKey|MaxKey)\b",
    re.DOTALL,
)
_WORDS: Final = {"undefined": {"$undefined": True}, "MinKey": {"$minKey": 1}, "MaxKey": {"$maxKey": 1}}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def without_shell_forms(text: str) -> str:
    """Return plain Extended JSON; forms inside forms (an ``ObjectId`` in a ``DBRef``) are replaced from within.

    Raises:
        ValueError: a form with arguments it cannot have.
    """
    while (replaced := _FORM.sub(_replacement, text)) != text:
        text = replaced
    return text


def _replacement(match: re.Match[str]) -> str:
    if match["string"] is not None:
        return match["string"]
    if match["word"] is not None:
        return json.dumps(_WORDS[match["word"]])
    form = _FORMS.get(match["name"])
    if form is None:
        return match[0]
    arguments: list[Any] = json.loads(f"[{match['arguments']}]", parse_float=str)
    try:
        return json.dumps(form(*arguments))
    except TypeError as error:
        raise ValueError(f"{match[0][:80]}: wrong arguments") from error


def _date(value: str | int) -> Mapping[str, Any]:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        value = round((moment - _EPOCH).total_seconds() * 1000)
    return {"$date": {"$numberLong": str(value)}}


def _db_ref(collection: str, key: object, database: str | None = None) -> Mapping[str, Any]:
    reference = {"$ref": collection, "$id": key}
    return reference if database is None else {**reference, "$db": database}


_FORMS: Final[Mapping[str, Callable[..., Mapping[str, Any]]]] = {
    "BinData": lambda subtype, data: {"$binary": {"base64": data, "subType": f"{subtype:02x}"}},
    "DBRef": _db_ref,
    "Date": _date,
    "ISODate": _date,
    "NumberDecimal": lambda value: {"$numberDecimal": str(value)},
    "NumberInt": lambda value: {"$numberInt": str(value)},
    "NumberLong": lambda value: {"$numberLong": str(value)},
    "ObjectId": lambda value: {"$oid": value},
    "Timestamp": lambda seconds, counter: {"$timestamp": {"t": seconds, "i": counter}},
    "UUID": lambda value: {"$uuid": value},
}

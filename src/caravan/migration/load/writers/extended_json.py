"""Writes a collection as Extended JSON, as ``mongoexport`` does: one document per line, or one array."""

from collections.abc import Iterable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from bson import json_util

from caravan.migration.load.writers.steady_gzip import written

__all__ = ["JsonForm", "write_extended_json"]

JsonForm: TypeAlias = Literal["relaxed", "canonical", "v1"]

_OPTIONS: Final[Mapping[JsonForm, json_util.JSONOptions]] = {
    "relaxed": json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, tz_aware=True, tzinfo=UTC),
    "canonical": json_util.JSONOptions(json_mode=json_util.JSONMode.CANONICAL, tz_aware=True, tzinfo=UTC),
    "v1": json_util.JSONOptions(json_mode=json_util.JSONMode.LEGACY, tz_aware=True, tzinfo=UTC),
}


def write_extended_json(
    path: Path,
    documents: Iterable[Mapping[str, Any]],
    form: JsonForm = "relaxed",
    *,
    array: bool = False,
    compressed: bool = False,
) -> None:
    options = _OPTIONS[form]
    opening, between, closing = (b"[", b",\n", b"]\n") if array else (b"", b"\n", b"\n")
    with written(path, compressed=compressed) as file:
        file.write(opening)
        for index, document in enumerate(documents):
            text = json_util.dumps(document, json_options=options, ensure_ascii=False, separators=(",", ":"))
            file.write((between if index else b"") + text.encode())
        file.write(closing)

"""What evidence knows beyond the schema: how often, how long, how large. Told, not demanded."""

from collections.abc import Iterator
from typing import Any

from caravan.migration.contract.schemas.evidence import Evidence, TextEvidence

__all__ = ["facts"]


def facts(evidence: Evidence) -> dict[str, dict[str, Any]]:
    """Return per path: times seen, and ranges of length and number."""
    return dict(_facts(evidence, "$")) if evidence.total else {}


def _facts(evidence: Evidence, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, _own(evidence)
    if evidence.object is not None:
        for name, below in sorted(evidence.object.fields.items()):
            yield from _facts(below, f"{path}.{name}")
        if evidence.object.collapsed is not None:
            yield from _facts(evidence.object.collapsed, f"{path}{{}}")
    if evidence.array is not None:
        items = evidence.array.items()
        if items.total:
            yield from _facts(items, f"{path}[]")


def _own(evidence: Evidence) -> dict[str, Any]:
    told: dict[str, Any] = {"seen": evidence.total}
    if evidence.nulls:
        told["null"] = evidence.nulls
    if evidence.least is not None:
        told["range"] = [evidence.least, evidence.greatest]
    if evidence.array is not None:
        told["items"] = [evidence.array.shortest, evidence.array.longest]
    return told if evidence.text is None else {**told, **_text(evidence.text)}


def _text(text: TextEvidence) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if text.shortest is not None:
        told["length"] = [text.shortest, text.longest]
    if text.marks:
        told["redacted"] = text.marks
    if text.values:
        told["different"] = len(text.values)
    return told

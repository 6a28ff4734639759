"""The files of an evidence folder, and how they are written: JSON with sorted keys, one object per line where there are many.

``manifest.json`` lists every other file with its SHA-256 and size, and the journal's length and last hash. Its own SHA-256 is what
one keeps elsewhere: with it a cut tail shows too.
"""

import hashlib
import json
from typing import Any, Final

__all__ = [
    "ACCEPTED",
    "CERTIFICATES",
    "DECISIONS",
    "FORMAT",
    "INPUTS",
    "JOURNAL",
    "MANIFEST",
    "MEASUREMENTS",
    "STATES",
    "VERSIONS",
    "digest",
    "line",
    "lines",
]

FORMAT: Final = "caravan evidence 1"
MANIFEST: Final = "manifest.json"
JOURNAL: Final = "journal.jsonl"
STATES: Final = "unit-states.jsonl"
DECISIONS: Final = "decisions.jsonl"
MEASUREMENTS: Final = "measurements.jsonl"
ACCEPTED: Final = "accepted-differences.jsonl"
VERSIONS: Final = "versions.json"
INPUTS: Final = "inputs"
CERTIFICATES: Final = "certificates"


def digest(content: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def line(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def lines(values: list[Any]) -> bytes:
    """Return values one per line."""
    return "".join(f"{line(value)}\n" for value in values).encode()

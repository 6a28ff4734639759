"""Each cohort key counts once per metric and stage: the key was randomised, its requests were not.

A client with an error tends to have the next one too; counted singly, one unlucky client looks like a harmed canary.
"""

from array import array
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

__all__ = ["MOST_KEYS", "CohortKeys"]

MOST_KEYS: Final = 2_000_000
"""Keys that are told apart per metric; a stage that needs more has long been decided."""


@dataclass(slots=True)
class CohortKeys:
    """Keys seen, by metric, as 64-bit hashes."""

    _seen: dict[str, set[int]] = field(default_factory=dict)

    def first(self, metric: str, key: str) -> bool:
        """Tell whether the key is new to this metric, and remember it. Beyond ``MOST_KEYS`` nothing is new."""
        seen = self._seen.setdefault(metric, set())
        if len(seen) >= MOST_KEYS:
            return False
        before = len(seen)
        seen.add(int.from_bytes(blake2b(key.encode(), digest_size=8).digest()))
        return len(seen) > before

    def to_json(self) -> dict[str, Any]:
        return {
            metric: b64encode(array("Q", sorted(seen)).tobytes()).decode()
            for metric, seen in self._seen.items()
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "CohortKeys":
        keys = cls()
        for metric, text in given.items():
            hashes = array("Q")
            hashes.frombytes(b64decode(text))
            keys._seen[metric] = set(hashes)
        return keys

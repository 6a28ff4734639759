"""What is judged: one request, the answer the client got, old asked again, and new."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from caravan.migration.exchange import Answer, Request
from caravan.migration.shadow.differences import Difference, Kind, Spot
from caravan.migration.shadow.exchange_json import (
    answer_from_json,
    answer_to_json,
    request_from_json,
    request_to_json,
)

__all__ = ["Example", "Triple"]


@dataclass(frozen=True, slots=True)
class Triple:
    """``old`` is A, ``again`` is B (None when old was not asked again), ``new`` is N; ``route`` is the template.

    ``not_judged`` says why the answers must not be looked at, such as a new side that had not applied what old had; it is
    decided before they are.
    """

    id: UUID
    at: datetime
    route: str
    request: Request
    old: Answer
    again: Answer | None
    new: Answer
    client: str = ""
    tags: tuple[str, ...] = ()
    not_judged: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """The smallest pair of answers seen with a difference."""

    id: UUID
    at: datetime
    route: str
    request: Request
    old: Answer
    new: Answer
    difference: Difference

    @property
    def spot(self) -> Spot:
        return self.difference.spot

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return self.old.body.length + self.new.body.length

    def to_json(self) -> dict[str, Any]:
        difference = self.difference
        return {
            "id": str(self.id),
            "at": self.at.isoformat(),
            "route": self.route,
            "request": request_to_json(self.request),
            "old": answer_to_json(self.old),
            "new": answer_to_json(self.new),
            "path": difference.path,
            "kind": difference.kind.value,
            "was": difference.old,
            "is": difference.new,
            "trail": list(difference.trail),
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Example":
        difference = Difference(
            given["path"], Kind(given["kind"]), given["was"], given["is"], tuple(given["trail"])
        )
        return cls(
            UUID(given["id"]),
            datetime.fromisoformat(given["at"]),
            given["route"],
            request_from_json(given["request"]),
            answer_from_json(given["old"]),
            answer_from_json(given["new"]),
            difference,
        )

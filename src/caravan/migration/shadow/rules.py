"""What a comparison holds equal although it is not the same: fixed while one request is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from caravan.migration.shadow.canonical import Canonicaliser
from caravan.migration.shadow.heads import IGNORED_HEADERS

__all__ = ["EXACT", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """``values`` by normalised path; ``sets`` are arrays without order, by path, with the member that names an element."""

    values: Mapping[str, Canonicaliser] = field(default_factory=dict)
    sets: Mapping[str, str | None] = field(default_factory=dict)
    ignored_headers: frozenset[str] = IGNORED_HEADERS

    @property
    def ids(self) -> frozenset[str]:
        """Paths whose values have to mean the same thing throughout a flow."""
        return frozenset(path for path, kind in self.values.items() if kind.refers)


EXACT: Final = Rules()

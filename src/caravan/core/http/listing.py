"""One page of a list that people leaf through: which rows, how many there are, where this page is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["PAGE_ROWS", "Listing"]

PAGE_ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list."""

    rows: Sequence[Any]
    total: int
    page: int
    size: int = PAGE_ROWS
    sort: str = ""
    dir: str = ""
    options: dict[str, list[str]] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """Number of the first row shown, 0 when there is none."""
        return (self.page - 1) * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return (self.page - 1) * self.size + len(self.rows)

"""What dry runs of writes told of the tables they would have changed, until the next save keeps it for the graph of units."""

from collections import Counter
from collections.abc import Iterable

from caravan.migration.cutover.observed_units import Use, uses_of
from caravan.migration.cutover.observing.table_uses import MOST_OF_A_KIND
from caravan.migration.shadow import RowEffect

__all__ = ["DryRunUses"]


class DryRunUses:
    """Gathers uses; of one route, table and operation no more than are kept. Used by one thread, ``take_all`` apart."""

    def __init__(self) -> None:
        self._waiting: list[Use] = []
        self._seen: Counter[tuple[str, str, str]] = Counter()

    def note(self, request: str, route: str, effects: Iterable[RowEffect]) -> None:
        """Note what one dry run told."""
        for use in uses_of(request, route, effects):
            kind = (use.route, use.table, use.operation)
            if self._seen[kind] < MOST_OF_A_KIND:
                self._seen[kind] += 1
                self._waiting.append(use)

    def take_all(self) -> list[Use]:
        """Return what was noted since the last call."""
        taken, self._waiting = self._waiting, []
        return taken

    def put_back(self, uses: list[Use]) -> None:
        """Have these kept with the next save: this one did not succeed."""
        self._waiting = [*uses, *self._waiting]

"""Two tables of any two stores: what is compared, which way each column goes, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from caravan.migration.verify.pairs.agreement import Agreement, agree
from caravan.migration.verify.pairs.bucket_walk import walk_buckets
from caravan.migration.verify.pairs.notebook import Forgetful, Notebook
from caravan.migration.verify.pairs.tables import Prepared, Table, Way
from caravan.migration.verify.pairs.walk import Tally, Tuning, walk_ranges

__all__ = ["Pairing", "compare", "pair"]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two sides ready to be compared."""

    agreement: Agreement
    ways: Mapping[str, Way]
    left: Prepared
    right: Prepared
    positions: tuple[str, str] = ("", "")

    @property
    def plan(self) -> str:
        """What is compared and how, as text: a run that was cut short goes on only under the same."""
        columns = "; ".join(
            f"{one.name} {one.kind} {one.scale} {one.zone} {self.ways[one.name]}"
            for one in self.agreement.columns
        )
        return (
            f"{columns} by {', '.join(self.agreement.key)} {'ranges' if self.agreement.ranged else 'buckets'}"
        )


def pair(
    left: Table, right: Table, *, key: Sequence[str] = (), columns: Sequence[str] = (), zone: str = "UTC"
) -> Pairing:
    """Agree on columns, key and ways. A column is hashed by the stores where both can; all are ours where a key's cannot.

    Raises:
        NotComparableError: columns or keys do not go together.
    """
    agreement = agree(left.described, right.described, key=key, columns=columns, zone=zone)
    both = left.renders(agreement, "left") & right.renders(agreement, "right")
    if not both.issuperset(column.name for column in agreement.key_columns):
        both = frozenset()
    ways: dict[str, Way] = {
        column.name: "sql" if column.name in both else "python" for column in agreement.columns
    }
    return Pairing(
        agreement,
        ways,
        left.prepare(agreement, "left", ways),
        right.prepare(agreement, "right", ways),
        (left.position, right.position),
    )


def compare(
    pairing: Pairing,
    notebook: Notebook | None = None,
    tuning: Tuning | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """Compare the sides; see ``walk_ranges`` and ``walk_buckets``."""
    walk = walk_ranges if pairing.agreement.ranged else walk_buckets
    return walk(
        pairing.agreement,
        pairing.left,
        pairing.right,
        notebook or Forgetful(),
        tuning or Tuning(),
        progress=progress,
    )

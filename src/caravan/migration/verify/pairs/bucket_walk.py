"""The comparison of tables whose keys the two stores sort differently, or that have no key: by buckets of the key's hash.

One pass over each side gives the sums of every bucket; the rows of those that differ are listed, so many at a time that they fit
into memory.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.differences import Found, found_in
from caravan.migration.verify.pairs.notebook import Notebook
from caravan.migration.verify.pairs.tables import Prepared, Sums
from caravan.migration.verify.pairs.walk import Tally, Tuning

__all__ = ["walk_buckets"]

_ROWS_PER_BUCKET: Final = 512
_MOST_BITS: Final = 16
_LISTED: Final = 200_000
_NONE: Final = Sums(0, ())


def walk_buckets(
    agreement: Agreement,
    left: Prepared,
    right: Prepared,
    notebook: Notebook,
    tuning: Tuning,
    *,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """Compare by buckets. The sums are one statement on each side, so a walk that was cut short begins anew.

    Raises:
        SideLostError: a side cannot be read on; what is judged is noted.
    """
    noted = notebook.noted()
    bits = int(noted["plan"][1]["bits"]) if "plan" in noted else _bits(left.count())
    notebook.note("plan", "planned", {"bits": bits})
    with ThreadPoolExecutor(2, "verify") as threads:
        first, second = (threads.submit(side.buckets, bits) for side in (left, right))
        own, others = first.result(), second.result()
    tally = Tally(_rows(own), _rows(others), 1 << bits, 1 << bits)
    if progress is not None:
        progress(tally.left_rows)
    for buckets in _slices(own, others):
        found = _listed(agreement, (left, right), bits, buckets, max(0, tuning.told - len(tally.differences)))
        facts = {"buckets": buckets, "differing": len(found)}
        notebook.note(f"{buckets[0]:05}-{buckets[-1]:05}", "different" if found else "same", facts)
        tally.listed += len(buckets)
        tally.take(found)
    return tally


def _bits(rows: int) -> int:
    return min(_MOST_BITS, max(0, (rows // _ROWS_PER_BUCKET).bit_length()))


def _rows(sums: Mapping[int, Sums]) -> int:
    return sum(one.rows for one in sums.values())


def _slices(own: Mapping[int, Sums], others: Mapping[int, Sums]) -> Iterator[list[int]]:
    """Yield buckets that differ, in lists whose rows fit into memory."""
    held: list[int] = []
    rows = 0
    for bucket in sorted(own.keys() | others.keys()):
        one, other = own.get(bucket, _NONE), others.get(bucket, _NONE)
        if one == other:
            continue
        if held and rows + one.rows + other.rows > _LISTED:
            yield held
            held, rows = [], 0
        held.append(bucket)
        rows += one.rows + other.rows
    if held:
        yield held


def _listed(
    agreement: Agreement, sides: tuple[Prepared, Prepared], bits: int, buckets: list[int], room: int
) -> Found:
    with ThreadPoolExecutor(2, "verify") as threads:
        futures = [threads.submit(side.bucket_lines, bits, buckets) for side in sides]
        left, right = (future.result() for future in futures)
    return found_in(agreement, sides, (left, right), room)

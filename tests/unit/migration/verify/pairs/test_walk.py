"""The walk over two sides, here of lists: whatever their chunks say, it tells exactly what differs."""

from collections.abc import Iterable, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.cells import cell
from caravan.migration.verify.pairs.hashing import digests, row_hash
from caravan.migration.verify.pairs.kinds import Agreed, StoredColumn
from caravan.migration.verify.pairs.notebook import Forgetful
from caravan.migration.verify.pairs.tables import Key, Range, Row, Sums, Value
from caravan.migration.verify.pairs.walk import Tuning, walk_ranges

OWN = StoredColumn("c", "int", "integer", nullable=False, ordered=True)
AGREEMENT = Agreement(
    (Agreed("id", "integer", OWN, OWN), Agreed("v", "integer", OWN, OWN)), ("id",), ranged=True
)


class Listed:
    """A side whose rows are a list of (id, value); ``known`` false: it never can hash a chunk."""

    connections = 1
    hashes = 1
    cheap_bounds = False

    def __init__(self, rows: Iterable[tuple[int, int]], *, known: bool = True) -> None:
        self._rows = sorted(rows)
        self._known = known

    def count(self) -> int:
        return len(self._rows)

    def bounds(self, within: Range, parts: int) -> list[Key]:
        keys = [row[0] for row in self._within(within)]
        step = max(1, -(-len(keys) // parts))
        return [(str(key),) for key in keys[step - 1 : -1 : step]]

    def value(self, within: Range) -> Value:
        (value,) = digests(((self._cells(row),) for row in self._within(within)), 1)
        return value if self._known else Value(value.rows, "", known=False)

    def lines(self, within: Range) -> list[str]:
        return [row_hash(self._cells(row)) + cell("integer", str(row[0])) for row in self._within(within)]

    def rows(self, keys: Sequence[Key]) -> dict[Key, list[Row]]:
        return {key: [(str(a), str(b)) for a, b in self._rows if (str(a),) == key] for key in keys}

    def buckets(self, bits: int) -> Mapping[int, Sums]:
        raise NotImplementedError

    def bucket_lines(self, bits: int, buckets: Iterable[int]) -> list[str]:
        raise NotImplementedError

    def _within(self, within: Range) -> list[tuple[int, int]]:
        low, high = (None if bound is None else int(bound[0] or "") for bound in (within.after, within.upto))
        return [
            row for row in self._rows if (low is None or row[0] > low) and (high is None or row[0] <= high)
        ]

    @staticmethod
    def _cells(row: tuple[int, int]) -> str:
        return f"{row[0]};{row[1]};"


TABLES = st.dictionaries(st.integers(-40, 40), st.integers(0, 2), max_size=60)
TUNINGS = st.builds(
    Tuning,
    chunk=st.integers(1, 20),
    leaf=st.integers(1, 10),
    many=st.floats(0, 1),
    strategy=st.sampled_from(["adaptive", "descend", "merge"]),
)


@given(left=TABLES, right=TABLES, tuning=TUNINGS, known=st.booleans())
def test_what_differs_is_told_and_nothing_else(
    left: dict[int, int], right: dict[int, int], tuning: Tuning, *, known: bool
) -> None:
    sides = Listed(left.items(), known=known), Listed(right.items(), known=known)
    tally = walk_ranges(AGREEMENT, *sides, Forgetful(), tuning)
    expected = {
        key: "missing" if key not in right else "extra" if key not in left else "changed"
        for key in left.keys() | right.keys()
        if left.get(key) != right.get(key)
    }
    assert {int(one.key[0] or ""): one.kind for one in tally.differences} == expected
    assert [int(one.key[0] or "") for one in tally.differences] == sorted(expected)
    assert (tally.left_rows, tally.right_rows) == (len(left), len(right))


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=12), tuning=TUNINGS)
def test_one_key_may_be_there_any_number_of_times(rows: list[tuple[int, int]], tuning: Tuning) -> None:
    assert not walk_ranges(AGREEMENT, Listed(rows), Listed(rows), Forgetful(), tuning).counts
    tally = walk_ranges(AGREEMENT, Listed([*rows, (1, 0)]), Listed(rows), Forgetful(), tuning)
    assert [one.key for one in tally.differences] == [("1",)]
    assert tally.differences[0].left_rows == tally.differences[0].right_rows + 1

"""The comparison's side of any store that speaks SQL: hashed by the store where it can, by us where it cannot.

The columns are in at most two groups, one per way. Both sides hash the same groups, so that values of one can be held against
those of the other whoever made them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, Literal

from caravan.migration.verify.encoding import MODULUS
from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.cells import cell, counted
from caravan.migration.verify.pairs.hashing import bucket_of, bucket_sums, digests, row_hash
from caravan.migration.verify.pairs.kinds import Agreed
from caravan.migration.verify.pairs.literals import any_of, between, quoted_text
from caravan.migration.verify.pairs.tables import Key, Range, Row, Sums, Value, Way
from caravan.migration.verify.stores.dialect import Dialect, Hashing, Session

__all__ = ["PreparedSide"]

_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing: what an aggregate over no rows stands for."""


@dataclass(frozen=True, slots=True)
class _There:
    """What the store hashes itself: expressions of those columns' cells, and of the key's where it is among them."""

    hashing: Hashing
    cells: str
    key_cells: str


class PreparedSide:
    """Implements ``pairs.tables.Prepared``. ``source`` is the table as SQL.

    Without ``hashing`` every row passes through us, as of a store that lives in this process.
    """

    def __init__(
        self,
        dialect: Dialect,
        sessions: Sequence[Session],
        source: str,
        agreement: Agreement,
        side: Literal["left", "right"],
        ways: Mapping[str, Way],
        *,
        hashing: Hashing | None = None,
    ) -> None:
        self._dialect = dialect
        self._source = f"{source} AS t"
        self.connections = len(sessions)
        self.hashes = len(set(ways.values()))
        self.cheap_bounds = dialect.samples
        self._free: SimpleQueue[Session] = SimpleQueue()
        for session in sessions:
            self._free.put(session)
        pairs = [(column, column.of(side)) for column in agreement.columns]
        texts = [dialect.text(column, own) for column, own in pairs]
        width = len(agreement.key)
        self._keys = agreement.key_columns
        # With the table's name: a bare one in ORDER BY would mean the selected text of the column.
        self._names = [f"t.{dialect.quoted(own.name)}" for _, own in pairs[:width]]
        self._texts = [text.expression for text in texts]
        self._plain = [_plain(text.normal) for text in texts]
        self._cells = [
            _celled(column, make) for column, make in zip(agreement.columns, self._plain, strict=True)
        ]
        self._converted = {column.name for column, own in pairs if own.kind not in (column.kind, "any")}
        groups = [
            [at for at, (column, _) in enumerate(pairs) if ways[column.name] == way]
            for way in ("sql", "python")
        ]
        self._groups = [group for group in (groups if hashing is None else groups[1:]) if group]
        self._there: _There | None = None
        if hashing is not None and groups[0]:
            key = hashing.cells(pairs[:width]) if groups[0][0] == 0 else ""
            self._there = _There(hashing, hashing.cells([pairs[at] for at in groups[0]]), key)
        self._joinable = not self._groups and not any(counted(one.kind) for one in self._keys)

    def count(self) -> int:
        with self._session() as session:
            return self._dialect.count(session, self._source)

    def bounds(self, within: Range, parts: int) -> list[Key]:
        if parts < 2:  # noqa: PLR2004 - one part has no bounds
            return []
        texts = self._texts[: len(self._keys)]
        with self._session() as session:
            found = self._dialect.bounds(
                session, self._source, self._names, texts, self._where(within), parts
            )
        return [self._key(row) for row in found]

    def value(self, within: Range) -> Value:
        where, order = self._where(within), ", ".join(self._names)
        parts = []
        with self._session() as session:
            if there := self._there:
                rows, hashed = there.hashing.digest(session, self._source, there.cells, where, order)
                parts.append(Value(rows, (hashed or "") if rows else _EMPTY, known=hashed is not None))
            if self._groups:
                streamed = self._streamed(session, f"{where} ORDER BY {order}")
                parts += digests((texts for _, _, texts in streamed), len(self._groups))
        return Value(
            parts[0].rows, " ".join(part.digest for part in parts), known=all(part.known for part in parts)
        )

    def lines(self, within: Range) -> list[str]:
        return self._lines(self._where(within))

    def buckets(self, bits: int) -> Mapping[int, Sums]:
        found: list[Mapping[int, Sums]] = []
        with self._session() as session:
            if there := self._there:
                bucket = there.hashing.bucket(there.key_cells, bits)
                sums = there.hashing.bucket_sums(session, self._source, bucket, there.cells)
                found.append(
                    {int(at): Sums(int(n), (int(a) % MODULUS, int(b) % MODULUS)) for at, n, a, b in sums}
                )
            if self._groups:
                rows = ((key, texts) for _, key, texts in self._streamed(session, ""))
                found.append(bucket_sums(rows, bits, len(self._groups)))
        return _beside(found)

    def bucket_lines(self, bits: int, buckets: Iterable[int]) -> list[str]:
        chosen = set(buckets)
        if (there := self._there) and there.key_cells:
            listed = ", ".join(map(str, sorted(chosen)))
            return self._lines(f" WHERE {there.hashing.bucket(there.key_cells, bits)} IN ({listed})")
        with self._session() as session:
            return [
                hashed + "".join(map(row_hash, texts)) + key
                for hashed, key, texts in self._streamed(session, "", hashed=True)
                if bucket_of(key, bits) in chosen
            ]

    def rows(self, keys: Sequence[Key]) -> dict[Key, list[Row]]:
        found: dict[Key, list[Row]] = {key: [] for key in keys}
        asked = [key for key in keys if self._writable(key)]
        if not asked:
            return found
        names = [
            text if column.name in self._converted else name
            for column, name, text in zip(self._keys, self._names, self._texts, strict=False)
        ]
        where = any_of(self._keys, names, asked, self._literal)
        query = f"SELECT {', '.join(self._texts)} FROM {self._source}{where}"  # noqa: S608 - quoted names, literals of kinds
        with self._session() as session:
            for raw in session.rows(query):
                row = tuple(make(value) for make, value in zip(self._plain, raw, strict=True))
                if (key := row[: len(self._keys)]) in found:  # a collation may hold other keys equal too
                    found[key].append(row)
        return found

    def _lines(self, where: str) -> list[str]:
        with self._session() as session:
            if (there := self._there) and there.key_cells and self._joinable:
                line = f"concat({there.hashing.row_hash(there.cells)}, {there.key_cells})"
                lines = there.hashing.joined_lines(session, self._source, line, where)
                if lines is not None:
                    return lines
            return [
                hashed + "".join(map(row_hash, texts)) + key
                for hashed, key, texts in self._streamed(session, where, hashed=True)
            ]

    def _streamed(
        self, session: Session, where: str, *, hashed: bool = False
    ) -> Iterator[tuple[str, str, list[str]]]:
        """Yield for each row the hash of what the store encodes, its key's cells, and the cells of each group of ours."""
        width = len(self._keys)
        columns = [*range(width), *sorted({at for group in self._groups for at in group} - set(range(width)))]
        places = [[columns.index(at) for at in group] for group in self._groups]
        makers = [self._cells[at] for at in columns]
        there = self._there if hashed else None
        first = [there.hashing.row_hash(there.cells)] if there else []
        asked = ", ".join([*first, *(self._texts[at] for at in columns)])
        for raw in session.stream(f"SELECT {asked} FROM {self._source}{where}"):  # noqa: S608 - as above
            cells = [make(value) for make, value in zip(makers, raw[1:] if there else raw, strict=True)]
            texts = ["".join([cells[at] for at in group]) for group in places]
            yield _text(raw[0]) if there else "", "".join(cells[:width]), texts

    def _writable(self, key: Key) -> bool:
        """Odd keys of another store cannot be keys of this one."""
        try:
            any_of(self._keys, self._names, [key], self._literal)
        except ValueError:
            return False
        return True

    def _literal(self, column: Agreed, text: str) -> str:
        return quoted_text(text) if column.name in self._converted else self._dialect.literal(column, text)

    def _where(self, within: Range) -> str:
        return between(self._keys, self._names, within, self._dialect.literal)

    def _key(self, row: Sequence[Any]) -> Key:
        return tuple(make(value) for make, value in zip(self._plain, row, strict=False))

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = self._free.get()
        try:
            with self._dialect.errors():
                yield session
        finally:
            self._free.put(session)


def _celled(column: Agreed, plain: Callable[[Any], str | None]) -> Callable[[Any], str]:
    kind = column.kind
    return lambda value: cell(kind, plain(value))


def _plain(normal: Callable[[Any], str] | None) -> Callable[[Any], str | None]:
    make = _text if normal is None else normal
    return lambda value: None if value is None else make(value)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _beside(found: Sequence[Mapping[int, Sums]]) -> Mapping[int, Sums]:
    """Put the lanes of both groups beside each other."""
    if len(found) == 1:
        return found[0]
    first, second = found
    nothing = Sums(0, (0, 0))
    return {
        at: Sums(first.get(at, nothing).rows, first.get(at, nothing).lanes + second.get(at, nothing).lanes)
        for at in first.keys() | second.keys()
    }

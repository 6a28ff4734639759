"""Hashes of cells made here: of ranges, of buckets, of single rows. Rows come as one text per group of columns."""

from collections.abc import Iterable, Sequence
from hashlib import md5, sha256
from struct import Struct
from typing import Final

from caravan.migration.verify.encoding import MODULUS
from caravan.migration.verify.pairs.tables import Sums, Value

__all__ = ["bucket_of", "bucket_sums", "digests", "row_hash"]

_LANES: Final = Struct(">QQ").unpack
_BUCKET_BITS: Final = 16
_BATCH: Final = 1000


def row_hash(cells: str) -> str:
    """Return 32 hexadecimal digits. MD5 is what every store has built in; it guards against accidents, not enemies."""
    return md5(cells.encode(), usedforsecurity=False).hexdigest()


def bucket_of(key: str, bits: int) -> int:
    """Return the bucket of a key's cells."""
    first = md5(key.encode(), usedforsecurity=False).digest()[:2]
    return int.from_bytes(first, "big") >> (_BUCKET_BITS - bits)


def digests(rows: Iterable[Sequence[str]], groups: int) -> list[Value]:
    """Return the value of each group of rows that come in the order of their key."""
    totals = [sha256() for _ in range(groups)]
    held: list[Sequence[str]] = []
    count = 0
    for row in rows:
        held.append(row)
        if len(held) == _BATCH:
            count += len(held)
            _take(totals, held)
    count += len(held)
    _take(totals, held)
    return [Value(count, total.hexdigest()) for total in totals]


def _take(totals: Sequence["object"], held: list[Sequence[str]]) -> None:
    for total, rows in zip(totals, zip(*held, strict=True), strict=False):
        total.update("".join(rows).encode())  # type: ignore[attr-defined]  # hashlib names no type of its own
    held.clear()


def bucket_sums(rows: Iterable[tuple[str, Sequence[str]]], bits: int, groups: int) -> dict[int, Sums]:
    """Return the sums of (key cells, a text per group) by bucket: two lanes per group."""
    found: dict[int, list[int]] = {}
    for key, texts in rows:
        held = found.setdefault(bucket_of(key, bits), [0] * (1 + 2 * groups))
        held[0] += 1
        for at, text in enumerate(texts):
            first, second = _LANES(md5(text.encode(), usedforsecurity=False).digest())
            held[1 + 2 * at] += first
            held[2 + 2 * at] += second
    return {
        bucket: Sums(count, tuple(lane % MODULUS for lane in lanes))
        for bucket, (count, *lanes) in found.items()
    }

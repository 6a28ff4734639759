import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.capture.binlog.cells import cell_of, decimal_text
from caravan.migration.capture.binlog.statements import Statement, meaning_of
from caravan.migration.capture.binlog.table_maps import length_at
from caravan.migration.load.readers import SourceColumn

_DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


def _packed(digits: str, scale: int, *, negative: bool) -> bytes:
    """Pack as the server does: nine digits in four bytes, the rest in fewer, the sign in the first bit, negatives inverted."""
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :]
    first = len(whole) % 9
    groups = [whole[:first]] if first else []
    groups += [whole[at : at + 9] for at in range(first, len(whole), 9)]
    groups += [fraction[at : at + 9] for at in range(0, len(fraction), 9)]
    raw = bytearray(b"".join(int(group).to_bytes(_DIGIT_BYTES[len(group)], "big") for group in groups))
    raw[0] ^= 0x80
    return bytes(byte ^ 0xFF for byte in raw) if negative else bytes(raw)


@given(st.text("0123456789", min_size=1, max_size=65), st.integers(0, 30), st.booleans())
def test_packed_decimals_keep_every_digit(digits: str, scale: int, negative: bool):
    scale = min(scale, len(digits))
    negative = negative and bool(digits.strip("0"))  # there is no negative zero
    found = decimal_text(_packed(digits, scale, negative=negative), len(digits), scale).decode()

    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :]
    assert found == ("-" if negative else "") + (whole.lstrip("0") or "0") + (
        f".{fraction}" if fraction else ""
    )


@pytest.mark.parametrize("kind", [7, 11, 12, 140, 245])
def test_a_form_that_is_not_read_is_refused_by_name(kind: int):
    with pytest.raises(LookupError, match=f"column old of type datetime is logged in the form {kind}"):
        cell_of(kind, b"\0\0", SourceColumn("old", "datetime"))


@pytest.mark.parametrize(
    ("database", "text", "meaning", "named"),
    [
        ("shop", "BEGIN", "begin", ()),
        ("shop", "COMMIT", "commit", ()),
        ("shop", "ROLLBACK", "rollback", ()),
        ("shop", "ROLLBACK TO `s`", "partial rollback", ()),
        ("shop", "/* from the app */ alter table orders add x int", "defines", ("orders",)),
        ("shop", "ALTER TABLE `or``ders` ADD x int", "defines", ("or`ders",)),
        ("other", "ALTER TABLE orders ADD x int", "nothing", ()),
        ("other", "ALTER TABLE shop.orders ADD x int", "defines", ("orders",)),
        ("", "DROP DATABASE shop", "defines", ("orders", "or`ders")),
        ("", "DROP DATABASE other", "nothing", ()),
        ("shop", "TRUNCATE orders", "truncate", ("orders",)),
        ("shop", "TRUNCATE other.orders", "nothing", ()),
        ("shop", "UPDATE orders SET x = 1", "writes", ("orders",)),
        ("shop", "UPDATE aside SET x = 1", "nothing", ()),
        ("shop", "XA PREPARE 'x'", "xa", ()),
        ("shop", "CREATE TABLE elsewhere (a int)", "nothing", ()),
        ("shop", "CREATE TABLE elsewhere LIKE orders", "defines", ("orders",)),
        ("shop", "CREATE TABLE IF NOT EXISTS orders (a int)", "defines", ("orders",)),
        ("shop", "CREATE OR REPLACE TABLE `orders` (a int)", "replaces", ("orders",)),
        ("shop", "CREATE TABLE shop.orders(a int)", "replaces", ("orders",)),
        ("shop", "DROP TABLE aside, orders", "replaces", ("orders",)),
        ("shop", "RENAME TABLE orders TO old, new TO orders", "replaces", ("orders",)),
        ("shop", "ALTER TABLE new RENAME TO orders", "replaces", ("orders",)),
        ("shop", "ALTER TABLE orders RENAME COLUMN a TO b", "defines", ("orders",)),
        ("shop", "DROP TEMPORARY TABLE orders", "nothing", ()),
        ("shop", "CREATE INDEX i ON orders (a)", "defines", ("orders",)),
        ("shop", "", "nothing", ()),
    ],
)
def test_what_statements_mean_for_our_tables(database: str, text: str, meaning: str, named: tuple[str, ...]):
    found = meaning_of(Statement(database, text), "shop", ["orders", "or`ders"])
    assert found == (meaning, named)


@pytest.mark.parametrize(
    ("raw", "length", "size"),
    [
        (b"\xfa", 250, 1),
        (b"\xfc\x00\x01", 256, 3),
        (b"\xfd\x00\x00\x01", 65_536, 4),
        (b"\xfe" + b"\x01" + b"\0" * 7, 1, 9),
    ],
)
def test_lengths_of_one_to_nine_bytes(raw: bytes, length: int, size: int):
    assert length_at(raw, 0) == (length, size)

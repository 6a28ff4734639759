"""The large table of ``bench.verify``: orders of eight columns, made by each store from the same arithmetic."""

from typing import Final

__all__ = ["MARIADB_ORDERS", "ORDERS", "ORDER_COLUMNS", "POSTGRES_ORDERS", "SPOILT"]

ORDER_COLUMNS: Final = ("id", "customer", "name", "note", "total", "paid", "placed", "state")
POSTGRES_ORDERS: Final = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, name text NOT NULL, note text, total numeric(18,4) NOT NULL,
    paid boolean NOT NULL, placed timestamptz(6) NOT NULL, state smallint NOT NULL)
"""
MARIADB_ORDERS: Final = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer int NOT NULL, name varchar(200) NOT NULL, note text, total decimal(18,4) NOT NULL,
    paid tinyint(1) NOT NULL, placed timestamp(6) NOT NULL, state smallint NOT NULL) CHARACTER SET utf8mb4
"""
ORDERS: Final = {
    "postgres": """
SELECT i, i % 7919, 'Customer number ' || i % 7919, CASE WHEN i % 11 = 0 THEN NULL ELSE 'note ' || md5(i::text) END,
    (i * 37 % 1000000) / 100.0, i % 3 = 0, timestamptz '2020-01-01 00:00:00+00' + i * interval '37.123457 seconds', i % 5
FROM generate_series(1, {rows}) AS i
""",
    "mariadb": """
SELECT seq, seq % 7919, concat('Customer number ', seq % 7919), CASE WHEN seq % 11 = 0 THEN NULL ELSE concat('note ', md5(seq)) END,
    (seq * 37 % 1000000) / 100.0, seq % 3 = 0, timestamp '2020-01-01 00:00:00' + INTERVAL seq * 37123457 MICROSECOND, seq % 5
FROM seq_1_to_{rows}
""",
}
SPOILT: Final = {
    "identical": (),
    "10 differences": (
        "UPDATE orders SET total = total + 0.01 WHERE id IN (SELECT (SELECT max(id) FROM orders) * n / 10 FROM generate_series(1, 10) n)",
    ),
    "1 % differences": ("UPDATE orders SET name = name || '!' WHERE id % 100 = 7",),
}
"""What is done to the right side before each measurement, one after the other."""

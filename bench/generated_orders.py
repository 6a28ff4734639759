"""Orders of one organisation, made by PostgreSQL itself: the same every time, for any number of orders."""

from typing import Final
from uuid import UUID

import psycopg

from caravan.core.database import DatabaseAddress, Role

__all__ = ["ORG", "generate_orders"]

ORG: Final = UUID("00000000-0000-7000-8000-00000000c0de")

_STATEMENTS: Final = (
    "INSERT INTO organisations (id, code, name) VALUES (%(org)s, 'bench', 'Bench')",
    """
    INSERT INTO customers (org_id, id, created_at, first_name, last_name, email, phone, locale)
    SELECT %(org)s, md5('customer' || n)::uuid, timestamptz '2024-01-01' + n * interval '1 minute',
           'First' || n, 'Last' || n, 'customer.' || n || '@example.com', '+9647700' || n, 'en'
    FROM generate_series(0, %(orders)s / 6) n
    """,
    """
    INSERT INTO orders (org_id, id, created_at, placed_at, customer_id, number, state, currency, email,
        subtotal_amount, tax_amount, shipping_amount, discount_amount, total_amount, refunded_amount)
    SELECT %(org)s, md5('order' || n)::uuid, timestamptz '2024-01-01' + n * interval '17 minutes 3.5 seconds',
           timestamptz '2024-01-01' + n * interval '17 minutes', md5('customer' || n / 6)::uuid, (500000 + n)::text,
           (ARRAY['pending','confirmed','shipped','completed','completed','refunded'])[1 + n %% 6], 'GBP',
           'customer.' || n / 6 || '@example.com', 10 + n %% 200, 2.5, 4.95, 0, 17.45 + n %% 200, NULL
    FROM generate_series(1, %(orders)s) n
    """,
    """
    INSERT INTO order_items (org_id, id, created_at, order_id, position, sku, name, quantity, unit_price, amount)
    SELECT %(org)s, md5('item' || n || '.' || i)::uuid, timestamptz '2024-01-01' + n * interval '17 minutes',
           md5('order' || n)::uuid, i, 'SKU' || (n * 7 + i) %% 4000, 'WHITE HANGING HEART T-LIGHT HOLDER ' || i,
           1 + i %% 12, 2.55, 2.55 * (1 + i %% 12)
    FROM generate_series(1, %(orders)s) n, generate_series(0, 3 + n %% 25) i
    """,
    """
    INSERT INTO addresses (org_id, id, order_id, kind, name, line1, city, postal_code, country)
    SELECT %(org)s, md5(kind || n)::uuid, md5('order' || n)::uuid, kind, 'First Last', n || ' Caravan Road',
           'Wahat', '60001', 'IQ'
    FROM generate_series(1, %(orders)s) n, unnest(ARRAY['billing', 'shipping']) kind
    """,
    """
    INSERT INTO transactions (org_id, id, created_at, order_id, state, amount, currency, processor, response_code)
    SELECT %(org)s, md5('transaction' || n)::uuid, timestamptz '2024-01-01' + n * interval '18 minutes',
           md5('order' || n)::uuid, 'captured', 17.45 + n %% 200, 'GBP', 'stripe', '100'
    FROM generate_series(1, %(orders)s) n
    """,
    """
    INSERT INTO tracking_numbers (org_id, id, order_id, position, carrier, code)
    SELECT %(org)s, md5('tracking' || n)::uuid, md5('order' || n)::uuid, 0, 'dhl', 'TRK' || n
    FROM generate_series(1, %(orders)s) n
    """,
)


def generate_orders(address: DatabaseAddress, orders: int = 25_000) -> None:
    """Fill an empty schema: 16 lines per order in the mean, two addresses, a payment and a tracking number each."""
    with psycopg.connect(address.libpq(Role.SYSTEM)) as connection:
        for statement in _STATEMENTS:
            connection.execute(statement, {"org": ORG, "orders": orders})
    with psycopg.connect(address.libpq(None), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")

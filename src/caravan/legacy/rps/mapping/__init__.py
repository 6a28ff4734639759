"""The mapping of RPS: six collections of its MongoDB, as data. ``docs/mappings/rps.md`` is made from it."""

from caravan.legacy.rps.mapping.affiliates import affiliates
from caravan.legacy.rps.mapping.customers import customers
from caravan.legacy.rps.mapping.orders import orders
from caravan.legacy.rps.mapping.products import products
from caravan.legacy.rps.mapping.promos import promos
from caravan.legacy.rps.mapping.transactions import transactions

__all__ = ["affiliates", "customers", "orders", "products", "promos", "transactions"]

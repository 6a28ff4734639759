# ruff: noqa: S608 - statements on tables of the campaign's own
"""People who write to the shop, by a seed: rows come, change and go, one or several in a transaction, some taken back."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from bench.crashes.stores import REFUSED, Store

__all__ = ["Writer"]

_MOST: Final = 4
_ACTS: Final = ("customer", "order", "rename", "pay", "drop order", "drop customer")
_WAIT: Final = 20.0


class Writer:
    """Writes to one store. ``name`` is part of every code it makes; ``refused`` counts transactions the store did not take.

    ``drops``: whether it deletes rows, those of others among them.
    """

    def __init__(self, store: Store, seed: int, name: str, *, drops: bool = True) -> None:
        self._store = store
        self._weights = (4, 6, 3, 3, 2 * drops, 1 * drops)
        self._chance = random.Random(seed)
        self._name = name
        self._made = 0
        self.refused = 0

    def write(self, transactions: int) -> None:
        """Write so many transactions."""
        with self._store.connected() as connection:
            for _ in range(transactions):
                self._transact(connection)

    def write_of_each(self) -> None:
        """Do everything once, each in a transaction; what is deleted was there before."""
        with self._store.connected() as connection:
            for act in ("drop order", "customer", "order", "rename", "pay"):
                self._do(connection, act)

    @contextmanager
    def beside(self, transactions: int, pause: float = 0.01) -> Iterator[None]:
        """Write so many in a thread, while the block runs and until they are written."""
        thread = threading.Thread(target=self._paced, args=(transactions, pause), daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(_WAIT)
            assert not thread.is_alive(), "the writer does not end"

    def _paced(self, transactions: int, pause: float) -> None:
        with self._store.connected() as connection:
            for _ in range(transactions):
                self._transact(connection)
                time.sleep(self._chance.random() * 2 * pause)

    def _transact(self, connection: Any) -> None:  # noqa: ANN401 - three drivers
        run = self._store.execute
        try:
            run(connection, "BEGIN IMMEDIATE" if self._store.kind == "sqlite" else "BEGIN")
            for _ in range(self._chance.randint(1, _MOST)):
                self._change(connection)
            run(connection, "ROLLBACK" if self._chance.random() < 0.1 else "COMMIT")
        except REFUSED:
            self.refused += 1
            with suppress(*REFUSED):
                run(connection, "ROLLBACK")

    def _change(self, connection: Any) -> None:  # noqa: ANN401 - three drivers
        self._do(connection, self._chance.choices(_ACTS, self._weights)[0])

    def _do(self, connection: Any, act: str) -> None:  # noqa: ANN401 - three drivers
        store, chance = self._store, self._chance
        if act == "customer":
            store.insert(connection, store.customers, code=self._code("C"), name=self._word(), note=None)
            return
        table = store.customers if act in {"order", "rename", "drop customer"} else store.orders
        lonely = f" AND id NOT IN (SELECT customer_id FROM {store.orders} WHERE customer_id IS NOT NULL)"
        known = store.execute(
            connection,
            f"SELECT id FROM {table} WHERE {store.where}{lonely if act == 'drop customer' else ''} ORDER BY id",
        )
        if not known:
            return
        key = chance.choice(known)[0]
        if act == "order":
            total, paid = f"{chance.randint(1, 99_999) / 100:.2f}", store.flag(paid=chance.random() < 0.5)
            store.insert(
                connection, store.orders, customer_id=key, code=self._code("O"), total=total, paid=paid
            )
        elif act == "rename":
            renamed = (self._word(), chance.choice([None, "", "note \N{SNOWMAN}"]), key)
            store.execute(connection, f"UPDATE {table} SET name = ?, note = ? WHERE id = ?", *renamed)
        elif act == "pay":
            values = (f"{chance.randint(1, 99_999) / 100:.2f}", store.flag(paid=True), key)
            store.execute(connection, f"UPDATE {table} SET total = ?, paid = ? WHERE id = ?", *values)
        else:
            store.execute(connection, f"DELETE FROM {table} WHERE id = ?", key)

    def _code(self, letter: str) -> str:
        self._made += 1
        return f"{letter}-{self._name}-{self._made}"

    def _word(self) -> str:
        return "".join(self._chance.choices("abcdefgh \u00e9'\\\t", k=self._chance.randint(1, 12)))

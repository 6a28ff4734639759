"""Transactions with payment processors."""

from typing import Final

from caravan.legacy.rps.mapping import kinds
from caravan.legacy.rps.mapping.states import TRANSACTION_STATES, state
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Main, Side

__all__ = ["transactions"]

transactions: Final = Entity(
    entity="transaction",
    main=Main(
        table="transactions",
        fields=(
            kinds.created(),
            kinds.reference("order_id", "order", "order", "orders"),
            state(TRANSACTION_STATES),
            kinds.money("amount"),
            kinds.currency(),
            kinds.text("processor"),
            kinds.text("response_code"),
            kinds.json("details"),
            kinds.date("deleted_at"),
        ),
    ),
    sides=(
        Side(
            table="legacy_rps.transactions",
            fields=(kinds.text("state", note="word for word"), kinds.date("modified_at")),
        ),
    ),
    sums=(("amount", "coalesce(sum(t.amount), 0)"),),
)

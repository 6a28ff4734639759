"""Transactions over the wire."""

from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from caravan.commerce.payments.models import TransactionState
from caravan.commerce.reading import Extra, PeriodQuery, ResourceRow
from caravan.core.http.read_models import Money, Word

__all__ = ["TransactionDetail", "TransactionQuery", "TransactionRow"]

Sort = Literal[
    "-created_at",
    "created_at",
    "-amount",
    "amount",
    "-state",
    "state",
    "-processor",
    "processor",
]


class TransactionQuery(PeriodQuery):
    """``q`` looks into processor and response code."""

    sort: Sort = "-created_at"
    state: TransactionState | None = None
    processor: Word | None = Field(None, description="Exactly this processor.")
    order_id: UUID | None = None


_ROW: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-000000000003",
    "client_id": None,
    "order_id": "01920000-0000-7000-8000-000000000001",
    "state": "captured",
    "amount": "166.9440",
    "currency": "GBP",
    "processor": "stripe",
    "response_code": "100",
    "created_at": "2026-03-01T08:26:01.500000Z",
    "updated_at": "2026-03-01T08:26:01.500000Z",
    "version": 1,
}


class TransactionRow(ResourceRow):
    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    order_id: UUID | None
    state: TransactionState
    amount: Money | None
    currency: str
    processor: str | None
    response_code: str | None


class TransactionDetail(TransactionRow):
    """``details`` is what the processor said."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_ROW | {"details": {"avs": "Y"}, "extra": None}]}
    )

    details: dict[str, Any] | None
    extra: Extra

"""Customers over the wire."""

from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from caravan.commerce.reading import Extra, PeriodQuery, ResourceRow
from caravan.core.http import Answer
from caravan.core.http.read_models import Word

__all__ = ["CustomerDetail", "CustomerQuery", "CustomerRow"]

Sort = Literal[
    "-created_at",
    "created_at",
    "-email",
    "email",
    "-first_name",
    "first_name",
    "-last_name",
    "last_name",
]


class CustomerQuery(PeriodQuery):
    """``q`` looks into the e-mail address and "first last"."""

    sort: Sort = "-created_at"
    email: Word | None = Field(None, description="Exactly this address, whatever the case.")


_ROW: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-000000000002",
    "client_id": None,
    "first_name": "Maya",
    "last_name": "Haddad",
    "email": "maya@example.com",
    "phone": "+9647700000000",
    "locale": "ar",
    "created_at": "2026-01-01T00:00:00.000000Z",
    "updated_at": "2026-01-01T00:00:00.000000Z",
    "version": 1,
}


class CustomerRow(ResourceRow):
    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    locale: str | None


class CustomerAddress(Answer):
    id: UUID
    kind: Literal["billing", "shipping"]
    name: str | None
    company: str | None
    line1: str | None
    line2: str | None
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
    phone: str | None


class CustomerDetail(CustomerRow):
    """A customer with the addresses on file."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROW | {"extra": None, "addresses": []}]})

    extra: Extra
    addresses: list[CustomerAddress]

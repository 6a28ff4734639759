"""Products over the wire."""

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from caravan.commerce.catalog.models import ProductState
from caravan.commerce.reading import Extra, PeriodQuery, ResourceRow
from caravan.core.http.read_models import Money, Word

__all__ = ["ProductDetail", "ProductQuery", "ProductRow"]

Sort = Literal["-created_at", "created_at", "-sku", "sku", "-name", "name", "-price", "price"]


class ProductQuery(PeriodQuery):
    """``q`` looks into SKU and name."""

    sort: Sort = "-created_at"
    state: ProductState | None = None
    sku: Word | None = Field(None, description="Exactly this SKU.")


_ROW: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-000000000004",
    "client_id": None,
    "sku": "85123A",
    "name": "White hanging heart t-light holder",
    "slug": "white-hanging-heart",
    "state": "active",
    "currency": "GBP",
    "price": "2.5500",
    "cost": "1.1000",
    "weight": None,
    "is_taxable": True,
    "created_at": "2026-01-01T00:00:00.000000Z",
    "updated_at": "2026-01-01T00:00:00.000000Z",
    "version": 1,
}


class ProductRow(ResourceRow):
    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    sku: str | None
    name: str | None
    slug: str | None
    state: ProductState
    currency: str | None
    price: Money | None
    cost: Money | None
    weight: Money | None
    is_taxable: bool | None


class ProductDetail(ProductRow):
    """``attributes`` is a list of ``{"name", "value"}``, ``media`` a list of pictures in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_ROW | {"description": None, "attributes": [], "media": [], "extra": None}]
        }
    )

    description: str | None
    attributes: list[Any] | None
    media: list[Any] | None
    extra: Extra

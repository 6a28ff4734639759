"""Promotions over the wire."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from caravan.commerce.reading import Extra, PeriodQuery, ResourceRow
from caravan.core.http.read_models import Word

__all__ = ["PromoDetail", "PromoQuery", "PromoRow"]

Sort = Literal["-created_at", "created_at", "-code", "code", "-name", "name"]


class PromoQuery(PeriodQuery):
    """``q`` looks into code and name."""

    sort: Sort = "-created_at"
    code: Word | None = Field(None, description="Exactly this code.")
    active: bool | None = None


_ROW: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-000000000005",
    "client_id": None,
    "code": "SPRING10",
    "name": "Ten percent in spring",
    "active": True,
    "starts_at": "2026-03-01T00:00:00.000000Z",
    "ends_at": None,
    "created_at": "2026-01-01T00:00:00.000000Z",
    "updated_at": "2026-01-01T00:00:00.000000Z",
    "version": 1,
}


class PromoRow(ResourceRow):
    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    code: str
    name: str | None
    active: bool
    starts_at: datetime | None
    ends_at: datetime | None


class PromoDetail(PromoRow):
    """``rules`` says what the code does."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_ROW | {"rules": {"percent": 10}, "extra": None}]}
    )

    rules: dict[str, Any] | None
    extra: Extra

"""Affiliates over the wire."""

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from caravan.commerce.affiliates.models import AffiliateState
from caravan.commerce.reading import Extra, PeriodQuery, ResourceRow
from caravan.core.http.read_models import Word

__all__ = ["AffiliateDetail", "AffiliateQuery", "AffiliateRow"]

Sort = Literal["-created_at", "created_at", "-code", "code", "-name", "name", "-state", "state"]


class AffiliateQuery(PeriodQuery):
    """``q`` looks into code and name."""

    sort: Sort = "-created_at"
    state: AffiliateState | None = None
    code: Word | None = Field(None, description="Exactly this code.")


_ROW: Final[dict[str, Any]] = {
    "id": "01920000-0000-7000-8000-000000000006",
    "client_id": None,
    "code": "BLOG",
    "name": "A blog",
    "state": "active",
    "created_at": "2026-01-01T00:00:00.000000Z",
    "updated_at": "2026-01-01T00:00:00.000000Z",
    "version": 1,
}


class AffiliateRow(ResourceRow):
    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    code: str | None
    name: str | None
    state: AffiliateState


class AffiliateDetail(AffiliateRow):
    model_config = ConfigDict(json_schema_extra={"examples": [_ROW | {"extra": None}]})

    extra: Extra

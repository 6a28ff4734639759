"""Who may read commerce over HTTP, and what every row of an answer has."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from caravan.core.http import Answer
from caravan.core.http.read_models import Instant, ListQuery, Word

__all__ = ["READERS", "Extra", "PeriodQuery", "ResourceRow"]

READERS: Final = ("admin", "manage_projects", "view_usage")
"""The read rule of RPS: any one of these."""

Extra = dict[str, Any] | None
"""What an import brought and no column takes."""


class ResourceRow(Answer):
    """A resource with its version; times are UTC with six decimals."""

    id: UUID
    client_id: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


class PeriodQuery(ListQuery):
    """A list whose rows have a time of creation."""

    q: Word | None = Field(None, description="Contains this text, whatever the case.")
    from_: Instant | None = Field(None, alias="from", description="Created at or after this moment.")
    to: Instant | None = Field(None, description="Created before this moment.")

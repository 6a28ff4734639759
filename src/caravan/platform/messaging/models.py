"""What the null providers would have sent."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from caravan.core.database.base import OrgRow

__all__ = ["KeptMessage"]


class KeptMessage(OrgRow):
    """A message that was rendered and kept instead of sent; messages of no tenant carry the nil organisation."""

    __tablename__ = "kept_messages"
    __table_args__ = (UniqueConstraint("org_id", "idempotency_key"),)

    channel: Mapped[str]
    recipient: Mapped[str]
    template: Mapped[str]
    locale: Mapped[str]
    subject: Mapped[str | None]
    body: Mapped[str]
    variables: Mapped[dict[str, Any]]
    idempotency_key: Mapped[str]

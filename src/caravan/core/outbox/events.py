"""An event as its handlers see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from caravan.core.principal import Principal, PrincipalKind

__all__ = ["SYSTEM_WIDE", "Event", "EventRef"]

SYSTEM_WIDE: Final = UUID(int=0)
"""The organisation of what belongs to none, in tables whose key begins with one."""


@dataclass(frozen=True, slots=True)
class EventRef:
    """What travels through the broker: where the row is, and its name. ``org`` is ``SYSTEM_WIDE`` where no tenant is."""

    org: UUID
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``principal`` is the label of who caused it; ``org`` is None when no tenant did.

    ``attempt`` counts from 1; an effect of an earlier attempt was rolled back, unless it left the database.
    """

    id: UUID
    name: str
    payload: Mapping[str, Any]
    org: UUID | None
    client: UUID | None
    project: UUID | None
    principal: str
    key: str | None
    request_id: str | None
    trace: str | None
    created_at: datetime
    attempt: int = 1

    def service(self, name: str, *scopes: str) -> Principal:
        """Return the principal a handler acts as: a service, within the tenancy of the event."""
        return Principal(
            PrincipalKind.SERVICE,
            org=self.org,
            client=self.client,
            project=self.project,
            scopes=frozenset(scopes),
            name=name,
        )

"""A console that belongs to one migration shows no other one, whatever else is in its database."""

from typing import Final

from fastapi import Request

from caravan.core.http import state_of
from caravan.core.principal import NotFoundError

__all__ = ["ONLY_MIGRATION", "only_migration", "refuse_others"]

ONLY_MIGRATION: Final = "only_migration"
"""Among the application's services the name of the one migration; absent where all of the organisation are shown."""


def only_migration(request: Request) -> str | None:
    """Return the one migration that is shown, None where there is no such limit."""
    found = state_of(request.app).services.get(ONLY_MIGRATION)
    return None if found is None else str(found)


def refuse_others(request: Request, migration: str) -> None:
    """Raise ``NotFoundError`` for a migration that is not this console's."""
    if only_migration(request) not in (None, migration):
        raise NotFoundError(f"There is no migration {migration!r} here.")

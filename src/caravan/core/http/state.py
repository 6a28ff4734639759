"""What the application carries for its requests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.applications import Starlette

from caravan.core.database import Database
from caravan.core.protocols import AuditSink, Authenticator
from caravan.core.settings import Settings

__all__ = ["AppState", "state_of"]


@dataclass(slots=True)
class AppState:
    """Set once by the application factory; ``services`` holds what upper floors bring, by name."""

    settings: Settings
    database: Database
    system_database: Database
    authenticator: Authenticator
    audit: AuditSink | None = None
    readiness: dict[str, Callable[[], Any]] = field(default_factory=dict)
    services: dict[str, Any] = field(default_factory=dict)


def state_of(app: Starlette) -> AppState:
    """Return the state of this application."""
    return cast("AppState", app.state.caravan)

"""What a handler may need to know of the worker it runs in."""

from contextvars import ContextVar

from caravan.core.settings import Settings, load_settings

__all__ = ["current_settings", "worker_settings"]

worker_settings: ContextVar[Settings | None] = ContextVar("worker_settings", default=None)


def current_settings() -> Settings:
    """Return the settings of this worker; outside of one, those of the environment."""
    return worker_settings.get() or load_settings()

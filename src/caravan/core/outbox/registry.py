"""Which functions handle which events."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from caravan.core.database import Role, WriteSession
from caravan.core.outbox.errors import DuplicateHandlerError
from caravan.core.outbox.events import Event

__all__ = ["Handler", "HandlerFunction", "handler", "handlers_of"]

HandlerFunction: TypeAlias = Callable[[WriteSession, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Handler:
    """``name`` enters the inbox: renaming a handler runs it again for events that are not done."""

    name: str
    function: HandlerFunction
    role: Role


_handlers: Final[dict[str, dict[str, Handler]]] = {}


def handler(event: str, *, name: str, role: Role = Role.APP) -> Callable[[HandlerFunction], HandlerFunction]:
    """Register an async function for events of this name.

    It runs in one transaction with its inbox row, as the event's tenant; with ``Role.SYSTEM`` it sees every tenant.
    It must not commit, and what it does outside the database must bear being done twice.
    """

    def register(function: HandlerFunction) -> HandlerFunction:
        known = _handlers.setdefault(event, {})
        if (other := known.get(name)) is not None and _path(other.function) != _path(function):
            raise DuplicateHandlerError(
                f"{_path(function)} and {_path(other.function)} both are {name!r} of {event!r}"
            )
        known[name] = Handler(name, function, role)
        return function

    return register


def handlers_of(event: str) -> tuple[Handler, ...]:
    """Return the handlers of an event, by name."""
    return tuple(entry for _, entry in sorted(_handlers.get(event, {}).items()))


def _path(function: HandlerFunction) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"

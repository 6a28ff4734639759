"""How routes reach what the application was given at its start."""

from typing import Annotated, Final

from fastapi import Depends, Request

from caravan.core.http import state_of
from caravan.platform.identity.parts import Identity

__all__ = ["SERVICE", "Parts", "identity_of"]

SERVICE: Final = "identity"
"""The name under which ``AppState.services`` holds the ``Identity``."""


def identity_of(request: Request) -> Identity:
    """Return the parts of identity of this application."""
    found = state_of(request.app).services[SERVICE]
    assert isinstance(found, Identity)  # noqa: S101 - the application factory puts it there
    return found


Parts = Annotated[Identity, Depends(identity_of)]

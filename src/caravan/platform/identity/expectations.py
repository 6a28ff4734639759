"""What a caller expects of a row it is about to change: asked once the row is locked, in the change's own transaction."""

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Expectation", "anything"]

Expectation: TypeAlias = Callable[[object], None]
"""Takes the row as it is; raises what the caller is to be told when it is not what they saw."""


def anything(row: object) -> None:
    """Expect nothing: the change is meant for whatever is there."""

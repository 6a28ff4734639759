"""Something in a file that is no exchange."""

from dataclasses import dataclass

__all__ = ["Refused"]


@dataclass(frozen=True, slots=True)
class Refused:
    """``number`` of the line or entry, from 1; the reason never quotes the content, which may hold secrets."""

    number: int
    reason: str

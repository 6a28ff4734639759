"""Errors a user may see: classes named after the situation, each with a stable code.

A subclass that sets ``code`` enters the registry, which ``caravan explain``, OpenAPI and the tests read.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

__all__ = ["CaravanError", "DuplicateCodeError", "find", "registered"]

_registry: dict[str, type["CaravanError"]] = {}


class DuplicateCodeError(TypeError):
    """Two error classes claim one code."""


class CaravanError(Exception):
    """Something the caller can understand and act on.

    ``code`` is stable, ``status`` the HTTP status, ``title`` a short name of the situation, ``fix`` what to do about it
    ``exit_code`` what a command ends with (all are class attributes); the message says what happened and where, in the user's words.
    """

    code: ClassVar[str] = ""
    status: ClassVar[int] = 400
    title: ClassVar[str] = ""
    fix: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        code = cls.__dict__.get("code", "")
        if not code:
            return
        if (other := _registry.get(code)) is not None and other.__qualname__ != cls.__qualname__:
            raise DuplicateCodeError(f"{cls.__name__} and {other.__name__} both claim the code {code!r}")
        _registry[code] = cls

    def __init__(self, message: str = "", /, **details: object) -> None:
        super().__init__(message or self.title)
        self.message = message or self.title
        self.details: Mapping[str, object] = details

    def headers(self) -> Mapping[str, str]:
        """Response headers that belong to this error, such as ``Retry-After``."""
        return {}


def registered() -> Iterator[type[CaravanError]]:
    """Every error class of ours with a code, by code; those that tests make for themselves are not told."""
    return (error for _, error in sorted(_registry.items()) if error.__module__.startswith("caravan."))


def find(code: str) -> type[CaravanError] | None:
    """Return the class with this code, or None."""
    return _registry.get(code)

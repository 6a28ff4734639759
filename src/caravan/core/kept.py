"""A connection that is opened once for many calls, where each moment counts, and anew as soon as it broke."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, Protocol, TypeVar

__all__ = ["Closable", "Kept"]


class Closable(Protocol):
    """Whatever holds a connection."""

    def close(self) -> object: ...


Resource = TypeVar("Resource", bound=Closable)


class Kept(Generic[Resource]):
    """Opens what is needed for one use, or within ``kept_open`` for all uses of the block. Not to be shared by threads."""

    def __init__(self, opened: Callable[[], Resource]) -> None:
        self._opened = opened
        self._keeping = 0
        self._kept: Resource | None = None

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep it open from its first use until the block ends; blocks may lie in each other."""
        self._keeping += 1
        try:
            yield
        finally:
            self._keeping -= 1
            if not self._keeping:
                self._let_go()

    @contextmanager
    def used(self) -> Iterator[Resource]:
        """Yield it, open. After an error it is closed: nobody can tell what state it is in."""
        resource = self._opened() if self._kept is None else self._kept
        self._kept = resource if self._keeping else None
        try:
            yield resource
        except BaseException:
            self._kept = None
            _close(resource)
            raise
        if not self._keeping:
            _close(resource)

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            _close(kept)


def _close(resource: Closable) -> None:
    """Close it; one whose other end is gone has nothing left to say."""
    with suppress(Exception):
        resource.close()

"""A bounded memory of computed values: amounts and references repeat by the thousand."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

__all__ = ["Memory"]

K = TypeVar("K")
V = TypeVar("V")
_LIMIT: Final = 1 << 14


class Memory(dict[K, V], Generic[K, V]):
    """``memory[key]`` computes once; when full it forgets everything, which costs less than knowing what to forget."""

    __slots__ = ("_compute",)

    def __init__(self, compute: Callable[[K], V]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, key: K) -> V:
        value = self._compute(key)
        if len(self) >= _LIMIT:
            self.clear()
        self[key] = value
        return value

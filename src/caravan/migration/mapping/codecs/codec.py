"""What every codec is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType

__all__ = ["Codec", "Decoder", "Encoder", "same"]

Decoder: TypeAlias = Callable[[Any], Any]
"""From a source value that is neither absent nor null to the normal value, or a ``BadValueError``."""

Encoder: TypeAlias = Callable[[Any], Any]
"""From a normal value that is not NULL to a value of the source, or a ``BadValueError`` where it has none."""


def same(value: Any) -> Any:  # noqa: ANN401 - the normal value is the source's
    """Return the value as it is."""
    return value


@dataclass(frozen=True)
class Codec(ABC):
    """A value's way into a column of ``sql_type``, and back.

    ``decode(encode(x)) == x`` for every normal value ``x`` that has a way back. Subclasses are frozen dataclasses: their fields are
    part of the mapping's version, but for those of the way back alone (``repr=False``).
    """

    name: ClassVar[str]
    sql_type: ClassVar[SqlType]
    scale: ClassVar[int | None] = None
    lossy: ClassVar[str] = ""
    """What of a value that is taken is not kept, for the mapping document."""

    faithful: ClassVar[bool] = True
    """False where one normal value stands for several of the source: another column of the same field knows better."""

    takes: ClassVar[frozenset[str]] = frozenset()
    """Kinds of values, as ``readers.value_kinds`` names them, of columns whose values it may take; empty means any."""

    @abstractmethod
    def decoder(self, context: MappingContext) -> Decoder:
        """Return the function for one load; it may remember what it has seen."""

    @abstractmethod
    def encoder(self, context: InverseContext) -> Encoder:
        """Return the function for the way back: the source's natural value for a normal one."""

    def decode(self, value: Any, context: MappingContext) -> Any:  # noqa: ANN401 - any value of any source
        """Return the normal value; absent and null are NULL.

        Raises:
            BadValueError: with the stable class of what is wrong.
        """
        return None if value is None else self.decoder(context)(value)

    def encode(self, value: Any, context: InverseContext) -> Any:  # noqa: ANN401 - any normal value
        """Return the source's value; NULL is null.

        Raises:
            BadValueError: ``value.no_inverse``, ``reference.unknown``: the source has no value for it.
        """
        return None if value is None else self.encoder(context)(value)

"""What every codec is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from caravan.migration.mapping.contract import MappingContext, SqlType

__all__ = ["Codec", "Decoder"]

Decoder: TypeAlias = Callable[[Any], Any]
"""From a source value that is neither absent nor null to the normal value, or a ``BadValueError``."""


@dataclass(frozen=True)
class Codec(ABC):
    """A value's way into a column of ``sql_type``.

    Subclasses are frozen dataclasses: their fields are part of the mapping's version.
    """

    name: ClassVar[str]
    sql_type: ClassVar[SqlType]
    scale: ClassVar[int | None] = None
    lossy: ClassVar[str] = ""
    """What of a value that is taken is not kept, for the mapping document."""

    @abstractmethod
    def decoder(self, context: MappingContext) -> Decoder:
        """Return the function for one load; it may remember what it has seen."""

    def decode(self, value: Any, context: MappingContext) -> Any:  # noqa: ANN401 - any value of any source
        """Return the normal value; absent and null are NULL.

        Raises:
            BadValueError: with the stable class of what is wrong.
        """
        return None if value is None else self.decoder(context)(value)

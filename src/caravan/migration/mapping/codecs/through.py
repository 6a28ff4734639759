"""What no codec says: a pair of small pure functions, named where they stand."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, TypeAlias

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, MappingDeclarationError

__all__ = ["Through"]

Pure: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True)
class Through(Codec):
    """``forward`` and ``inverse`` are ``module:function``, each of one value that is not null; what they raise is a bad value.

    ``forward`` returns what a column of ``type`` takes (see ``contract``); ``inverse`` gives a source value that ``forward`` takes back to
    the same. ``inverse`` may be empty where ``loss`` says what is lost: then the field is not written back.
    A function may raise ``BadValueError`` with a class of its own; any other error is ``value.refused``.
    """

    forward: str
    inverse: str
    type: SqlType
    loss: str = ""
    places: int | None = None
    name: ClassVar[str] = "through"

    @property
    def sql_type(self) -> SqlType:  # type: ignore[override]  # of each such codec its own
        """The type of the column."""
        return self.type

    @property
    def scale(self) -> int | None:  # type: ignore[override]  # of each such codec its own
        """Digits after the point of a ``numeric`` column."""
        return self.places

    @property
    def lossy(self) -> str:  # type: ignore[override]  # of each such codec its own
        """What the declaration says is lost."""
        return self.loss

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _guarded(function_at(self.forward), self.forward)

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        if not self.inverse:
            return _none
        return _guarded(function_at(self.inverse), self.inverse)

    def check(self) -> None:
        """Find both functions; raises ``MappingDeclarationError``."""
        function_at(self.forward)
        if self.inverse:
            function_at(self.inverse)
        elif not self.loss:
            raise MappingDeclarationError(
                f"Through({self.forward!r}) has no inverse; name one, or say in loss what is not written back"
            )


def function_at(name: str) -> Pure:
    """Return the function that ``module:function`` names; raises ``MappingDeclarationError``."""
    module, _, attribute = name.partition(":")
    try:
        found: Pure = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise MappingDeclarationError(
            f"{name!r} names no function: {error}; write 'package.module:function'"
        ) from None
    if not callable(found):
        raise MappingDeclarationError(f"{name!r} is a {type(found).__name__}, not a function")
    return found


def _guarded(function: Pure, name: str) -> Pure:
    def call(value: Any) -> Any:  # noqa: ANN401 - any value of any source
        try:
            return function(value)
        except BadValueError:
            raise
        except Exception as error:  # noqa: BLE001 - a function of a mapping costs a field or a record, never the load
            raise BadValueError("value.refused", f"{name}: {type(error).__name__}: {error}") from None

    return call


def _none(_value: Any) -> None:  # noqa: ANN401 - any normal value
    return None

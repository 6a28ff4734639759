"""One of a few words, by a table from theirs to ours."""

from dataclasses import dataclass
from typing import Any, ClassVar

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Choice", "Enumeration"]


@dataclass(frozen=True)
class Choice(Codec):
    """``table`` pairs their words, in small letters, with ours; another word is ``otherwise`` and a finding ``kind``.

    On the way back the first of their words that means ours is written.
    """

    table: tuple[tuple[str, str], ...]
    otherwise: str
    kind: str = "state.unknown"
    name: ClassVar[str] = "choice"
    takes: ClassVar[frozenset[str]] = frozenset({"text"})
    sql_type: ClassVar[SqlType] = "text"
    lossy: ClassVar[str] = "several of their words may be one of ours"
    faithful: ClassVar[bool] = False

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        ours = dict(self.table)

        def choose(value: Any) -> str:  # noqa: ANN401 - any value of any source
            if type(value) is str:
                word = ours.get(value) or ours.get(value.strip().lower())
                if word is not None:
                    return word
            raise BadValueError(self.kind, f"{shown(value)} is not in the table", instead=self.otherwise)

        return choose

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return _backwards(self.table)


@dataclass(frozen=True)
class Enumeration(Codec):
    """One of a closed list of words, letter by letter: another is refused as ``choice.unknown``, never guessed.

    ``words`` are the same on both sides, or pairs of theirs and ours.
    """

    words: tuple[str | tuple[str, str], ...]
    name: ClassVar[str] = "enumeration"
    takes: ClassVar[frozenset[str]] = frozenset({"text"})
    sql_type: ClassVar[SqlType] = "text"

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Their word and ours."""
        return tuple((word, word) if isinstance(word, str) else word for word in self.words)

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        ours = dict(self.pairs)

        def choose(value: Any) -> str:  # noqa: ANN401 - any value of any source
            word = ours.get(value) if type(value) is str else None
            if word is None:
                raise BadValueError("choice.unknown", f"{shown(value)} is none of {', '.join(ours)}")
            return word

        return choose

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return _backwards(self.pairs)


def _backwards(pairs: tuple[tuple[str, str], ...]) -> Encoder:
    theirs: dict[str, str] = {}
    for their, our in pairs:
        theirs.setdefault(our, their)

    def word(value: Any) -> str:  # noqa: ANN401 - a text column's value
        found = theirs.get(value)
        if found is None:
            raise BadValueError("value.no_inverse", f"the source has no word for {shown(value)}")
        return found

    return word

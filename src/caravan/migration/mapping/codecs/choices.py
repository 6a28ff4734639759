"""One of a few words, by a table from theirs to ours."""

from dataclasses import dataclass
from typing import Any, ClassVar

from caravan.migration.mapping.codecs.codec import Codec, Decoder
from caravan.migration.mapping.contract import MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Choice"]


@dataclass(frozen=True)
class Choice(Codec):
    """``table`` pairs their words, in small letters, with ours; another word is ``otherwise`` and a finding ``kind``."""

    table: tuple[tuple[str, str], ...]
    otherwise: str
    kind: str = "state.unknown"
    name: ClassVar[str] = "choice"
    sql_type: ClassVar[SqlType] = "text"
    lossy: ClassVar[str] = "several of their words may be one of ours"

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

"""Times of day and lengths of time, as text that both sides read."""

import re
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, ClassVar, Final

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder, same
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Time"]

_WRITTEN: Final = re.compile(
    r"(?P<sign>-?)(?P<h>\d{1,11}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)(?:\.(?P<f>\d{1,6}))?(?P<zone>[+-]\d\d:\d\d)?"
)
_MICROS: Final = 1_000_000


@dataclass(frozen=True)
class Time(Codec):
    """TIME of any store: ``HH:MM:SS`` with a fraction where there is one; MariaDB's reach from -838 to 838 hours."""

    name: ClassVar[str] = "time"
    takes: ClassVar[frozenset[str]] = frozenset({"time", "text"})
    sql_type: ClassVar[SqlType] = "text"
    lossy: ClassVar[str] = "zeros at the end of a fraction"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _time

    def encoder(self, context: InverseContext) -> Encoder:
        del context
        return same


def _time(value: Any) -> str:  # noqa: ANN401 - any value of any source
    if isinstance(value, timedelta):
        return _text(value // timedelta(microseconds=1))
    if isinstance(value, time):
        text = value.isoformat()
        return _time(text)
    if isinstance(value, str) and (found := _WRITTEN.fullmatch(value.strip())):
        hours, minutes, seconds = (int(found[part]) for part in "hms")
        micros = ((hours * 60 + minutes) * 60 + seconds) * _MICROS + int((found["f"] or "0").ljust(6, "0"))
        return _text(-micros if found["sign"] else micros) + (found["zone"] or "")
    raise BadValueError("time.not_a_time", f"{shown(value)} is not a time")


def _text(micros: int) -> str:
    seconds, fraction = divmod(abs(micros), _MICROS)
    sign = "-" if micros < 0 else ""
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:06}".rstrip("0") if fraction else text

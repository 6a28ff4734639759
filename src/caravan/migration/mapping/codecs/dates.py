"""Points in time, in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from caravan.migration.mapping.codecs.codec import Codec, Decoder
from caravan.migration.mapping.contract import MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Date"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_LIKE: Final = re.compile(r"[+-]?[0-9]{4,7}-[0-9]{2}-[0-9]{2}([T ].*)?")


@dataclass(frozen=True)
class Date(Codec):
    """A BSON date, a timestamp, an ISO 8601 string (in the source's zone when it names none) or whole seconds."""

    name: ClassVar[str] = "date"
    sql_type: ClassVar[SqlType] = "timestamptz"
    lossy: ClassVar[str] = "the offset of a string, the increment of a timestamp"

    def decoder(self, context: MappingContext) -> Decoder:
        zone = UTC if context.timezone == "UTC" else ZoneInfo(context.timezone)

        def date(value: Any) -> datetime:  # noqa: ANN401 - any value of any source
            if type(value) is datetime and value.tzinfo is None:
                return value.replace(tzinfo=UTC)
            try:
                return _instant(value, zone)
            except (OverflowError, OSError):
                raise _out_of_range(value) from None

        return date


def _instant(value: Any, zone: tzinfo) -> datetime:  # noqa: ANN401 - any value of any source
    if isinstance(value, datetime):
        return _in_utc(value, UTC)
    if isinstance(value, str):
        return _from_text(value, zone)
    if isinstance(value, Timestamp):
        return datetime.fromtimestamp(value.time, UTC)
    if isinstance(value, DatetimeMS):
        return _EPOCH + timedelta(milliseconds=int(value))
    if isinstance(value, int) and type(value) is not bool:
        try:
            return datetime.fromtimestamp(int(value), UTC)
        except ValueError:
            raise _out_of_range(value) from None
    raise BadValueError("date.not_a_date", f"{shown(value)} is not a date")


def _from_text(text: str, zone: tzinfo) -> datetime:
    try:
        return _in_utc(datetime.fromisoformat(text.strip()), zone)
    except ValueError:
        if _DATE_LIKE.fullmatch(text.strip()):
            raise _out_of_range(text) from None
        raise BadValueError("date.not_a_date", f"{shown(text)} is not a date") from None


def _in_utc(value: datetime, zone: tzinfo) -> datetime:
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _out_of_range(value: object) -> BadValueError:
    return BadValueError("date.out_of_range", f"{shown(value)} is not between the years 1 and 9999")

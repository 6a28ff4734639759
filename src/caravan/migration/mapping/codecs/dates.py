"""Points in time, in UTC, and calendar days."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, ClassVar, Final

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder, same
from caravan.migration.mapping.codecs.zones import instant_of, wall_time_of, zone_of
from caravan.migration.mapping.contract import InverseContext, MappingContext, SqlType
from caravan.migration.mapping.errors import BadValueError, shown

__all__ = ["Date", "Day", "LocalDate"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_LIKE: Final = re.compile(r"[+-]?[0-9]{4,7}-[0-9]{2}-[0-9]{2}([T ].*)?")


@dataclass(frozen=True)
class Date(Codec):
    """A BSON date, a timestamp, an ISO 8601 string, whole seconds since 1970, a calendar day (its first instant).

    What names no zone is in the source's. An hour that its clocks showed twice, or never, is told (see ``zones``). A column that names no
    zone at all is for ``LocalDate``: written back through this one it would hold UTC.
    """

    name: ClassVar[str] = "date"
    takes: ClassVar[frozenset[str]] = frozenset({"instant", "day", "text", "integer"})
    sql_type: ClassVar[SqlType] = "timestamptz"
    lossy: ClassVar[str] = (
        "the offset of a string, the increment of a timestamp; back to MongoDB what is below a millisecond"
    )

    def decoder(self, context: MappingContext) -> Decoder:
        zone = zone_of(context)

        def date(value: Any) -> datetime:  # noqa: ANN401 - any value of any source
            if type(value) is datetime and value.tzinfo is UTC:
                return value
            try:
                return _instant(value, zone)
            except (OverflowError, OSError):
                raise _out_of_range(value) from None

        return date

    def encoder(self, context: InverseContext) -> Encoder:
        """Return instants as they are: aware, in UTC."""
        del context
        return same


@dataclass(frozen=True)
class LocalDate(Date):
    """A date and time without a zone (DATETIME, ``timestamp without time zone``), in the zone declared for the source."""

    name: ClassVar[str] = "local date"
    takes: ClassVar[frozenset[str]] = frozenset({"local", "day", "text"})
    lossy: ClassVar[str] = "which of the two an hour was that came twice, when it is written back"

    def encoder(self, context: InverseContext) -> Encoder:
        """Return what the source's wall clocks show, naive."""
        zone = zone_of(context.mapping)
        return lambda instant: wall_time_of(instant, zone)


def _instant(value: Any, zone: tzinfo) -> datetime:  # noqa: ANN401 - any value of any source
    if isinstance(value, datetime):
        return _in_utc(value, zone)
    if isinstance(value, str):
        return _from_text(value, zone)
    if isinstance(value, Timestamp):
        return datetime.fromtimestamp(value.time, UTC)
    if isinstance(value, DatetimeMS):
        return _EPOCH + timedelta(milliseconds=int(value))
    if isinstance(value, date):
        return instant_of(datetime.combine(value, time()), zone)
    if isinstance(value, int) and type(value) is not bool:
        try:
            return datetime.fromtimestamp(int(value), UTC)
        except ValueError:
            raise _out_of_range(value) from None
    raise BadValueError("date.not_a_date", f"{shown(value)} is not a date")


def _from_text(text: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        if _DATE_LIKE.fullmatch(text.strip()):
            raise _out_of_range(text) from None
        raise BadValueError("date.not_a_date", f"{shown(text)} is not a date") from None
    return _in_utc(moment, zone)


def _in_utc(value: datetime, zone: tzinfo) -> datetime:
    return instant_of(value, zone) if value.tzinfo is None else value.astimezone(UTC)


def _out_of_range(value: object) -> BadValueError:
    return BadValueError("date.out_of_range", f"{shown(value)} is not between the years 1 and 9999")


@dataclass(frozen=True)
class Day(Codec):
    """A calendar day, which is no point in time: DATE, an ISO 8601 day as text, a date whose time is midnight."""

    name: ClassVar[str] = "day"
    takes: ClassVar[frozenset[str]] = frozenset({"day", "local", "text"})
    sql_type: ClassVar[SqlType] = "date"
    lossy: ClassVar[str] = "whether it was written as text"

    def decoder(self, context: MappingContext) -> Decoder:
        del context
        return _day

    def encoder(self, context: InverseContext) -> Encoder:
        """Return a day; for documents, which have none, its ISO 8601 text."""
        return date.isoformat if context.shape == "document" else same


def _day(value: Any) -> date:  # noqa: ANN401 - any value of any source
    if isinstance(value, datetime):
        if value.time() == time():
            return value.date()
        raise BadValueError("date.not_a_day", f"{shown(value)} is a time of day, not a day")
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            if _DATE_LIKE.fullmatch(value.strip()):
                raise _out_of_range(value) from None
    raise BadValueError("date.not_a_day", f"{shown(value)} is not a day")

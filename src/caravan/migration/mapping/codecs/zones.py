"""From a time on a wall clock to an instant, and what is done with hours that a clock shows twice or never."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from caravan.migration.mapping.contract import MappingContext
from caravan.migration.mapping.errors import BadValueError

__all__ = ["instant_of", "wall_time_of", "zone_of"]


def zone_of(context: MappingContext) -> tzinfo:
    """Return the zone that the source's wall clocks showed."""
    return UTC if context.timezone == "UTC" else ZoneInfo(context.timezone)


def instant_of(local: datetime, zone: tzinfo) -> datetime:
    """Return the instant of a naive time in UTC.

    Raises:
        BadValueError: ``date.ambiguous``, with the earlier of the two instants; ``date.nonexistent``, with the instant that a clock
            which was not put forward would have shown. Both are loaded with a finding, and the value is kept word for word.
    """
    if zone is UTC:
        return local.replace(tzinfo=UTC)
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return first
    if first < second:
        raise BadValueError(
            "date.ambiguous",
            f"{local.isoformat(' ')} came twice in {zone}; the first is taken",
            instead=first,
        )
    raise BadValueError(
        "date.nonexistent",
        f"{local.isoformat(' ')} was skipped in {zone}; taken as if clocks had not been put forward",
        instead=first,
    )


def wall_time_of(instant: datetime, zone: tzinfo) -> datetime:
    """Return what the source's wall clock showed, naive; of an hour that came twice it cannot say which one it was."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)

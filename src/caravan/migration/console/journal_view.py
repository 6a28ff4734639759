"""The journal for a page: filtered, page by page, and whether its chain of hashes holds.

What was checked once is not checked at each view: this process remembers up to which entry the chain held, with its hash, and
checks the entries behind. Once an hour, and when a reader wants it, all of them are checked again.
"""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.http.listing import PAGE_ROWS, Listing
from caravan.migration.units import Entry, Scope, connected, entries, verify_chain

__all__ = ["Checked", "JournalPage", "JournalReader", "journal_page"]

_GOOD_FOR: Final = timedelta(hours=1)
_COLUMNS: Final = "org_id, migration, number, at, unit, transition, phase, by, facts, previous, hash"
_HERE: Final = "FROM engine.migration_journal WHERE org_id = %(org)s AND migration = %(migration)s"
_SUMS: Final = f"SELECT count(*), (SELECT hash {_HERE} ORDER BY number DESC LIMIT 1) {_HERE}"
_CHOICES: Final = f"SELECT array_agg(DISTINCT unit), array_agg(DISTINCT phase) {_HERE}"
_FITS: Final = f"{_HERE} AND (%(unit)s = '' OR unit = %(unit)s) AND (%(phase)s = '' OR phase = %(phase)s)"
_COUNT: Final = f"SELECT count(*) {_FITS}"
_PAGE: Final = f"SELECT {_COLUMNS} {_FITS} ORDER BY number DESC LIMIT {PAGE_ROWS} OFFSET %(skip)s"
_BEHIND: Final = f"SELECT {_COLUMNS} {_HERE} AND number >= %(number)s ORDER BY number"


@dataclass(frozen=True, slots=True)
class JournalPage:
    """``broken`` says where the chain does not hold; None when it does. ``last_hash`` is to be kept elsewhere.

    ``trusted`` entries were checked at ``checked_at`` and not again for this page.
    """

    listing: Listing
    all_entries: int
    broken: str | None
    last_hash: str
    units: list[str]
    phases: list[str]
    trusted: int = 0
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """Up to ``number``, whose hash is ``hash``, the chain held when every entry was looked at, which was at ``at``."""

    number: int
    hash: str
    at: datetime


class JournalReader:
    """What one process remembers of the journals it has checked."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._checked: dict[Scope, Checked] = {}
        self._lock = threading.Lock()

    def broken(
        self, connection: psycopg.Connection, scope: Scope, *, anew: bool
    ) -> tuple[str | None, Checked | None]:
        """Say where the chain does not hold, and from what earlier check on this one went on."""
        now = self._clock()
        with self._lock:
            known = self._checked.get(scope)
        if known is None or anew or now - known.at > _GOOD_FOR:
            said, last = _verified(entry.as_json() for entry in entries(connection, scope))
            since, at = None, now
        else:
            said, last = _behind(connection, scope, known)
            since, at = known, known.at
        with self._lock:
            if said is not None:
                self._checked.pop(scope, None)
            elif last is not None:
                self._checked[scope] = Checked(last[0], last[1], at)
        return said, since


_reader: Final = JournalReader()


async def journal_page(
    address: DatabaseAddress,
    scope: Scope,
    *,
    unit: str = "",
    phase: str = "",
    page: int = 1,
    anew: bool = False,
    reader: JournalReader = _reader,
) -> JournalPage:
    """Check the journal and return the entries that fit, the newest first; ``anew`` checks every entry."""
    return await asyncio.to_thread(_journal_page, address, scope, unit, phase, page, anew, reader)


def _journal_page(
    address: DatabaseAddress,
    scope: Scope,
    unit: str,
    phase: str,
    page: int,
    anew: bool,
    reader: JournalReader,
) -> JournalPage:
    wanted = {**scope.parameters, "unit": unit, "phase": phase}
    with connected(address, read_only=True) as connection:
        broken, since = reader.broken(connection, scope, anew=anew)
        number, last = connection.execute(_SUMS.encode(), wanted).fetchone() or (0, None)
        units, phases = connection.execute(_CHOICES.encode(), wanted).fetchone() or (None, None)
        fits = (connection.execute(_COUNT.encode(), wanted).fetchone() or (0,))[0]
        shown = min(page, max(1, -(-fits // PAGE_ROWS)))
        rows = connection.execute(_PAGE.encode(), {**wanted, "skip": (shown - 1) * PAGE_ROWS})
        listed = [Entry(*row) for row in rows]
    return JournalPage(
        Listing(listed, fits, shown),
        number,
        broken,
        last or "",
        sorted(one for one in units or () if one),
        sorted(phases or ()),
        since.number if since else 0,
        since.at if since else None,
    )


def _behind(
    connection: psycopg.Connection, scope: Scope, known: Checked
) -> tuple[str | None, tuple[int, str] | None]:
    """Check from the entry that was the last one: it has to be there still, with the hash it had."""
    rows = connection.execute(_BEHIND.encode(), {**scope.parameters, "number": known.number})
    listed = (Entry(*row) for row in rows)
    first = next(listed, None)
    if first is None or first.number != known.number or first.hash != known.hash:
        return f"entry {known.number} is not what it was when it was checked last", None
    return _verified((entry.as_json() for entry in listed), known)


def _verified(
    printed: Iterable[Mapping[str, Any]], known: Checked | None = None
) -> tuple[str | None, tuple[int, str] | None]:
    """Return what is wrong, and number and hash of the last entry."""
    last = (known.number, known.hash) if known else None

    def noted() -> Iterator[Mapping[str, Any]]:
        nonlocal last
        for entry in printed:
            last = int(entry["number"]), str(entry["hash"])
            yield entry

    found = verify_chain(noted(), after=(known.number, known.hash) if known else None)
    return (found.said if found else None), last

"""The journal for a page: filtered, page by page, and whether its chain of hashes holds."""

import asyncio
from dataclasses import dataclass

from caravan.core.database import DatabaseAddress
from caravan.core.http.listing import PAGE_ROWS, Listing
from caravan.migration.units import Scope, connected, entries, verify_chain

__all__ = ["JournalPage", "journal_page"]


@dataclass(frozen=True, slots=True)
class JournalPage:
    """``broken`` says where the chain does not hold; None when it does. ``last_hash`` is to be kept elsewhere."""

    listing: Listing
    all_entries: int
    broken: str | None
    last_hash: str
    units: list[str]
    phases: list[str]


async def journal_page(
    address: DatabaseAddress, scope: Scope, *, unit: str = "", phase: str = "", page: int = 1
) -> JournalPage:
    """Read and check the whole journal; return the entries that fit, the newest first."""
    return await asyncio.to_thread(_journal_page, address, scope, unit, phase, page)


def _journal_page(address: DatabaseAddress, scope: Scope, unit: str, phase: str, page: int) -> JournalPage:
    with connected(address, read_only=True) as connection:
        listed = list(entries(connection, scope))
    broken = verify_chain(entry.as_json() for entry in listed)
    fits = [one for one in reversed(listed) if unit in ("", one.unit) and phase in ("", one.phase)]
    shown = min(page, max(1, -(-len(fits) // PAGE_ROWS)))
    return JournalPage(
        Listing(fits[(shown - 1) * PAGE_ROWS : shown * PAGE_ROWS], len(fits), shown),
        len(listed),
        broken.said if broken else None,
        listed[-1].hash if listed else "",
        sorted({one.unit for one in listed if one.unit}),
        sorted({one.phase for one in listed}),
    )

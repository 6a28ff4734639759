"""What the data page says of each data set: what was loaded, what was refused, what was verified, and the checksums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from caravan.core.database import AnySession
from caravan.migration.console import queries
from caravan.migration.console.figures import LoadView, view_of
from caravan.migration.console.queries import RefusedClass
from caravan.migration.console.verified_subjects import VerifiedSubject, data_set_subject

__all__ = ["Loaded", "SetView", "loaded", "set_views"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loads brought: the last run, None before the first; refused records and rows of tables by data set."""

    load: LoadView | None
    refused: Mapping[str, Sequence[RefusedClass]]
    tables: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class TableRows:
    """``checksum`` is that of the table's imported rows as the last load's end found them, empty before it."""

    name: str
    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class RefusedView:
    """A class of records that were not loaded; ``waived`` tells that somebody answers for it today."""

    reason: str
    records: int
    by_flow: int
    waived: bool


@dataclass(frozen=True, slots=True)
class SetView:
    """One data set; ``records`` is None where nothing of it was ever committed."""

    name: str
    records: int | None
    refused: Sequence[RefusedView]
    verified: VerifiedSubject | None
    tables: Sequence[TableRows]


async def loaded(session: AnySession, migration: str, today: date) -> Loaded:
    """Read what was loaded, as the caller's tenant."""
    runs = await queries.runs(session, migration=migration)
    figures = await queries.data_sets(session, migration=migration)
    refused: dict[str, list[RefusedClass]] = {}
    for one in await queries.refused_classes(session, migration):
        refused.setdefault(one.data_set, []).append(one)
    tables: dict[str, dict[str, int]] = {}
    for data_set, table, rows in await queries.loaded_rows(session, migration):
        tables.setdefault(data_set, {})[table] = rows
    return Loaded(view_of(runs[0], figures, [], today) if runs else None, refused, tables)


def set_views(
    declared: Sequence[str], found: Loaded, verified: Mapping[str, VerifiedSubject], today: date
) -> list[SetView]:
    """Put each data set together: those of the file in its order, then those that only the ledger knows."""
    load = found.load
    records = {one.figures.name: one.figures.loaded for one in load.data_sets} if load else {}
    waivers = load.waivers if load else {}
    checksums = load.checksums if load else {}
    names = dict.fromkeys((*declared, *records, *found.refused))
    return [
        SetView(
            name,
            records.get(name),
            [
                RefusedView(
                    one.reason,
                    one.records,
                    one.by_flow,
                    one.reason in waivers and waivers[one.reason].holds(today),
                )
                for one in found.refused.get(name, ())
            ],
            verified.get(data_set_subject(name)),
            [
                TableRows(table, rows, checksums.get(table, ""))
                for table, rows in found.tables.get(name, {}).items()
            ],
        )
        for name in names
    ]

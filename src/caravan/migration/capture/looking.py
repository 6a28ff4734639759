"""Says, before anything is made, by which mechanism a source can be followed, and why not by a better one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.opening import mechanism_of
from caravan.migration.capture.options import DEFAULTS, CaptureOptions, Mechanism
from caravan.migration.load.readers import REFUSE_ALL

__all__ = ["Offer", "look"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to follow a source, best first. ``obstacle`` is empty where it can be used as it stands.

    ``statements`` would remove the obstacle. ``limits`` is what this way does not see or costs, in one sentence.
    """

    mechanism: Mechanism
    obstacle: str = ""
    statements: tuple[str, ...] = ()
    limits: str = ""

    @property
    def usable(self) -> bool:
        return not self.obstacle


_LIMITS: Final[dict[tuple[str, Mechanism], str]] = {
    ("postgresql", "slot"): "The server keeps its log until it is confirmed: watch the retained bytes.",
    ("postgresql", "outbox"): "Every write is noted once more in the transaction that makes it.",
    (
        "mariadb",
        "binlog",
    ): "Rows changed by ON DELETE and ON UPDATE actions and with sql_log_bin = 0 are not logged.",
    ("mariadb", "outbox"): "Every write is noted once more; TRUNCATE is only found out afterwards.",
    (
        "sqlite",
        "outbox",
    ): "Every write is noted once more; writers with other triggers switched off are not seen.",
    ("mongodb", "change-stream"): "An update is told with the document as it is when it is looked up.",
}
_WATERMARK: Final = "Deletes are not seen, and a row that is committed later than the overlap is missed."


def look(
    kind: str, place: str | Path, collections: Sequence[str], options: CaptureOptions = DEFAULTS
) -> list[Offer]:
    """Return the ways to follow these collections, best first.

    Raises:
        CaptureRefusedError: a source of this kind does not tell its changes.
        CaptureStoppedError: the source cannot be reached.
    """
    family = {"supabase": "postgresql", "mysql": "mariadb"}.get(kind, kind)
    mechanism_of(kind)  # raises for kinds without any
    ways = _WAYS[family]
    offers = [
        _offer(family, mechanism, partial(ask, kind, place, collections, options)) for mechanism, ask in ways
    ]
    if family != "mongodb":
        named = all(name in options.watermarks for name in collections)
        told = "" if named else "no watermark is named for each collection"
        offers.append(Offer("watermark", told, limits=_WATERMARK))
    return offers


def _offer(
    family: str, mechanism: Mechanism, ask: Callable[[], Iterator[tuple[str, tuple[str, ...]]]]
) -> Offer:
    limits = _LIMITS[family, mechanism]
    try:
        found = list(ask())
    except CaptureRefusedError as error:
        statements = error.details.get("statements", ())
        helping = tuple(map(str, statements)) if isinstance(statements, tuple) else ()
        return Offer(mechanism, error.message, helping, limits)
    problems = "; ".join(problem for problem, _ in found)
    return Offer(mechanism, problems, tuple(one for _, several in found for one in several), limits)


def _slot(
    _kind: str, place: str | Path, collections: Sequence[str], options: CaptureOptions
) -> Iterator[tuple[str, tuple[str, ...]]]:
    from caravan.migration.capture.slot.opening import obstacles_of  # noqa: PLC0415 - drivers are extras

    yield from obstacles_of(str(place), collections, options)


def _binlog(
    _kind: str, place: str | Path, collections: Sequence[str], options: CaptureOptions
) -> Iterator[tuple[str, tuple[str, ...]]]:
    from caravan.migration.capture.binlog.preparing import assert_followable  # noqa: PLC0415 - an extra
    from caravan.migration.capture.stores.mariadb_connection import MariadbConnection  # noqa: PLC0415 - an extra

    with closing(MariadbConnection(str(place))) as connection:
        assert_followable(connection, collections, options)
    yield from ()


def _outbox(
    kind: str, place: str | Path, collections: Sequence[str], options: CaptureOptions
) -> Iterator[tuple[str, tuple[str, ...]]]:
    from caravan.migration.capture.outbox.preparing import assert_notable, open_store  # noqa: PLC0415 - extras

    store, _ = open_store(kind, place, REFUSE_ALL, options.name)
    with closing(store):
        assert_notable(store, collections, options)
    yield from ()


def _stream(
    _kind: str, place: str | Path, collections: Sequence[str], options: CaptureOptions
) -> Iterator[tuple[str, tuple[str, ...]]]:
    from caravan.migration.capture.change_stream.source import ChangeStreamSource  # noqa: PLC0415 - beside its kin

    with closing(ChangeStreamSource(str(place), collections, options)) as source:
        source.head()
    yield from ()


_Way = Callable[[str, str | Path, Sequence[str], CaptureOptions], Iterator[tuple[str, tuple[str, ...]]]]
_WAYS: Final[dict[str, list[tuple[Mechanism, _Way]]]] = {
    "postgresql": [("slot", _slot), ("outbox", _outbox)],
    "mariadb": [("binlog", _binlog), ("outbox", _outbox)],
    "sqlite": [("outbox", _outbox)],
    "mongodb": [("change-stream", _stream)],
}

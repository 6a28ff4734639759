"""How the changes of a source are followed, where its owner wants it otherwise than by the store's own log."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field

from caravan.migration.config.table import Name, Table

__all__ = ["MECHANISMS", "Capture", "misfits"]

_POSTGRES: Final = frozenset({"postgresql", "supabase"})
_MARIADB: Final = frozenset({"mariadb", "mysql"})

MECHANISMS: Final[Mapping[str, frozenset[str]]] = {
    "slot": _POSTGRES,
    "binlog": _MARIADB,
    "outbox": _POSTGRES | _MARIADB | {"sqlite"},
    "watermark": _POSTGRES | _MARIADB | {"sqlite"},
    "change-stream": frozenset({"mongodb"}),
}
"""The kinds of sources that have each way."""

_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "identity": _POSTGRES,
    "schema_changes": _MARIADB,
    "cascades": _MARIADB,
    "server_id": _MARIADB,
}
_SCHEMES: Final[Mapping[str, str]] = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "supabase": "supabase",
    "mysql": "mysql",
    "mariadb": "mariadb",
    "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
}


class Capture(Table):
    """``mechanism``: ``auto`` is the store's own log; for SQLite triggers.

    ``identity``: PostgreSQL tables whose log lines would not tell the key are refused, or given ``REPLICA IDENTITY FULL``.
    ``schema_changes``: DDL on a table captured from a binlog stops the capture, or is accepted. ``cascades``: tables whose rows
    MariaDB changes by foreign keys without logging it are refused, or accepted. ``server_id`` of the binlog's reader, 0 lets one be
    chosen. ``watermarks``: by collection, the column that grows with every write. ``overlap``: seconds after its own watermark
    in which a row may still be committed. ``batch``: changes asked for at once.
    """

    mechanism: Literal["auto", "slot", "binlog", "outbox", "change-stream", "watermark"] = "auto"
    identity: Literal["refuse", "full"] = "refuse"
    schema_changes: Literal["stop", "accept"] = "stop"
    cascades: Literal["refuse", "accept"] = "refuse"
    server_id: Annotated[int, Field(ge=0, le=4_294_967_295)] = 0
    watermarks: dict[str, Name] = Field(default_factory=dict)
    overlap: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 5_000


def misfits(source: Mapping[str, Any], collections: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield keys of a source's capture that do not fit the source or one another, each with what is wrong.

    ``source`` is the parsed table, ``collections`` are those that data sets take from it.
    """
    capture = source.get("capture")
    if not isinstance(capture, Mapping):
        return
    mechanism, kind = capture.get("mechanism", "auto"), _kind_of(source)
    possible = MECHANISMS.get(str(mechanism))
    if possible is not None and kind is not None and kind not in possible:
        fit = [name for name, kinds in MECHANISMS.items() if kind in kinds]
        yield (
            "mechanism",
            f"a source of the kind {kind} has no {mechanism}; "
            + (f"it has {', '.join(fit)}" if fit else "its changes cannot be followed"),
        )
    for key, kinds in _ONLY.items():
        if key in capture and kind is not None and kind not in kinds:
            yield key, f"is for {' and '.join(sorted(kinds))} alone; remove it"
    yield from _watermarks(capture, mechanism, collections)


def _watermarks(
    capture: Mapping[str, Any], mechanism: object, collections: frozenset[str]
) -> Iterator[tuple[str, str]]:
    named = capture.get("watermarks", {})
    if not isinstance(named, Mapping):
        return
    if mechanism != "watermark":
        if named:
            yield "watermarks", 'is read with mechanism = "watermark" alone; write that too, or remove it'
        return
    missing = sorted(collections - named.keys())
    if missing:
        place = "watermarks" if "watermarks" in capture else "mechanism"
        yield place, f"there is no watermark for {', '.join(missing)}; name the column of each that grows"


def _kind_of(source: Mapping[str, Any]) -> str | None:
    """Return the kind that a source is known to have before anybody looks at it."""
    kind, url = source.get("kind", "auto"), source.get("url")
    if isinstance(kind, str) and kind != "auto":
        return kind
    return _SCHEMES.get(urlsplit(url).scheme) if isinstance(url, str) else None

"""Tells the kind of a source from its address or its files, so that nobody has to."""

import zlib
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from caravan.migration.load.readers.archive import ARCHIVE_MAGIC, ArchiveReader
from caravan.migration.load.readers.bytestream import GZIP_MAGIC
from caravan.migration.load.readers.csv_lines import CsvReader, csv_files
from caravan.migration.load.readers.dump_directory import DumpDirectoryReader, data_files
from caravan.migration.load.readers.errors import SourceUnreadable
from caravan.migration.load.readers.extended_json import ExtendedJsonReader, json_files
from caravan.migration.load.readers.protocol import Reader
from caravan.migration.load.readers.rules import REFUSE_ALL, Rules
from caravan.migration.load.readers.source_url import without_password

__all__ = ["SourceKind", "open_source"]

SourceKind: TypeAlias = Literal[
    "auto",
    "mongodump",
    "mongodump-archive",
    "extended-json",
    "json-lines",
    "csv",
    "sqlite",
    "mysqldump",
    "pg-dump",
    "mongodb",
    "mariadb",
    "mysql",
    "postgresql",
    "supabase",
]

_SEEN: Final = 4096
_GZIP_WINDOW: Final = 31
_MAGIC: Final[dict[bytes, SourceKind]] = {
    ARCHIVE_MAGIC: "mongodump-archive",
    b"SQLite format 3\0": "sqlite",
    b"-- MySQL dump": "mysqldump",
    b"-- MariaDB dump": "mysqldump",
    b"/*M!999999": "mysqldump",
}
_ENDINGS_FIRST: Final[dict[str, SourceKind]] = {".bson": "mongodump", ".csv": "csv", ".tsv": "csv"}
_POSTGRES_HEAD: Final = b"-- PostgreSQL database dump"
_SCHEMES: Final[dict[str, SourceKind]] = {
    "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
    "mysql": "mysql",
    "mariadb": "mariadb",
    "postgresql": "postgresql",
    "postgres": "postgresql",
}
_FILE_KINDS: Final = (
    "mongodump, mongodump-archive, extended-json, json-lines, csv, sqlite, mysqldump, pg-dump"
)


def open_source(place: Path | str, kind: SourceKind = "auto", rules: Rules = REFUSE_ALL) -> Reader:
    """Return the reader of a file or folder (a path), or of a live server (a URL).

    Raises:
        SourceUnreadable: nothing is there, it may not be read, or it is none of the known kinds.
        SourceDamaged: the list of collections itself is cut or corrupt.
    """
    if isinstance(place, str):
        return _open_url(place, kind, rules)
    if not place.exists():
        raise SourceUnreadable(f"{place} does not exist")
    try:
        chosen = _kind_of(place) if kind == "auto" else kind
        return _open(place, chosen, rules)
    except OSError as error:
        raise SourceUnreadable(f"{place} cannot be read: {error.strerror or error}") from error


def _open_url(url: str, kind: SourceKind, rules: Rules) -> Reader:
    """Return the reader of a server; drivers are imported where they are needed."""
    chosen = _SCHEMES.get(urlsplit(url).scheme) if kind == "auto" else kind
    match chosen:
        case "mongodb":
            from caravan.migration.load.readers.mongodb_live import MongodbReader  # noqa: PLC0415

            return MongodbReader(url)
        case "mysql" | "mariadb":
            from caravan.migration.load.readers.mariadb import MariadbReader  # noqa: PLC0415

            return MariadbReader(url, rules)
        case "postgresql" | "supabase":
            from caravan.migration.load.readers.postgres import PostgresReader  # noqa: PLC0415

            return PostgresReader(url, rules)
        case _:
            raise SourceUnreadable(
                f"{without_password(url)} is no address of a known kind; known are mongodb://, mysql://, mariadb://"
                " and postgresql://; a file has a path instead of a url"
            )


def _open(path: Path, kind: SourceKind, rules: Rules) -> Reader:
    match kind:
        case "mongodump":
            return DumpDirectoryReader(path)
        case "mongodump-archive" if path.is_dir():
            raise SourceUnreadable(f"{path} is a folder; an archive is one file")
        case "mongodump-archive":
            return ArchiveReader(path)
        case "extended-json" | "json-lines":
            return ExtendedJsonReader(path)
        case "csv":
            return CsvReader(path, rules)
        case "sqlite" | "mysqldump" | "pg-dump" if path.is_dir():
            raise SourceUnreadable(f"{path} is a folder; a source of the kind {kind} is one file")
        case _:
            return _open_tables(path, kind, rules)


def _open_tables(path: Path, kind: SourceKind, rules: Rules) -> Reader:
    match kind:
        case "sqlite":
            from caravan.migration.load.readers.sqlite import SqliteReader  # noqa: PLC0415

            return SqliteReader(path, rules)
        case "mysqldump":
            from caravan.migration.load.readers.mariadb_dump import MariadbDumpReader  # noqa: PLC0415

            return MariadbDumpReader(path, rules)
        case "pg-dump":
            from caravan.migration.load.readers.postgres_dump import PostgresDumpReader  # noqa: PLC0415

            return PostgresDumpReader(path, rules)
        case _:
            raise SourceUnreadable(
                f"{path}: {kind!r} is no kind of a source with a path; known are {_FILE_KINDS}"
            )


def _kind_of(path: Path) -> SourceKind:
    kind = _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
    if kind is None:
        raise SourceUnreadable(
            f"{path} holds no .bson, .json or .jsonl file, nor .csv"
            if path.is_dir()
            else f"{path} is neither a mongodump file or archive nor Extended JSON, CSV, SQLite or a known dump in SQL;"
            " name its kind if it is one all the same"
        )
    return kind


def _kind_of_folder(path: Path) -> SourceKind | None:
    if data_files(path):
        return "mongodump"
    if json_files(path):
        return "extended-json"
    return "csv" if csv_files(path) else None


def _kind_of_file(path: Path) -> SourceKind | None:
    head = _head(path)
    endings = _ENDINGS_FIRST if not head.startswith(ARCHIVE_MAGIC) else {}
    for ending, kind in endings.items():
        if path.name.removesuffix(".gz").endswith(ending):
            return kind
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None) or _kind_of_text(
        head
    )


def _kind_of_text(head: bytes) -> SourceKind | None:
    if _POSTGRES_HEAD in head:
        return "pg-dump"
    return "extended-json" if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")) else None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_SEEN)
    if not head.startswith(GZIP_MAGIC):
        return head
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(head, _SEEN)
    except zlib.error:
        return b""

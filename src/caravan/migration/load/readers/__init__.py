"""Readers of documents and tables, from files and from live servers. The one door of this room."""

from caravan.migration.load.readers.decode import decode
from caravan.migration.load.readers.detect import SourceKind, open_source
from caravan.migration.load.readers.errors import (
    RecordUndecodable,
    SourceCollectionMissing,
    SourceDamaged,
    SourceLost,
    SourceUnreadable,
)
from caravan.migration.load.readers.protocol import (
    BrokenRecord,
    CollectionInfo,
    Reader,
    Record,
    RecordFormat,
)
from caravan.migration.load.readers.rules import REFUSE_ALL, ColumnRule, Rules
from caravan.migration.load.readers.source_url import without_password
from caravan.migration.load.readers.tables import (
    KeyRange,
    Live,
    Snapshot,
    SourceColumn,
    SourceTable,
    TableReader,
)
from caravan.migration.load.readers.text_lines import TextLines, TextReader, TextSource
from caravan.migration.load.readers.value_kinds import Described, Dialect, ValueKind, kind_of_column

__all__ = [
    "REFUSE_ALL",
    "BrokenRecord",
    "CollectionInfo",
    "ColumnRule",
    "Described",
    "Dialect",
    "KeyRange",
    "Live",
    "Reader",
    "Record",
    "RecordFormat",
    "RecordUndecodable",
    "Rules",
    "Snapshot",
    "SourceCollectionMissing",
    "SourceColumn",
    "SourceDamaged",
    "SourceKind",
    "SourceLost",
    "SourceTable",
    "SourceUnreadable",
    "TableReader",
    "TextLines",
    "TextReader",
    "TextSource",
    "ValueKind",
    "decode",
    "kind_of_column",
    "open_source",
    "without_password",
]

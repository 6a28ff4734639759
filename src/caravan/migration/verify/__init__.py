"""Rows hashed the same way in Python and in PostgreSQL, and what is held against what."""

from caravan.migration.verify.checks import Link, broken_links, broken_rules, links_of
from caravan.migration.verify.encoding import RowEncoder, TableSum
from caravan.migration.verify.sql_rendering import qualified
from caravan.migration.verify.table_sums import chunk_sums, dangling_columns, imported_rows, row_lanes

__all__ = [
    "Link",
    "RowEncoder",
    "TableSum",
    "broken_links",
    "broken_rules",
    "chunk_sums",
    "dangling_columns",
    "imported_rows",
    "links_of",
    "qualified",
    "row_lanes",
]

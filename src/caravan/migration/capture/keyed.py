"""Tables with the columns that their changes are to be named by."""

from collections.abc import Mapping
from dataclasses import replace

from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.load.readers import SourceTable

__all__ = ["keyed"]


def keyed(tables: Mapping[str, SourceTable], keys: Mapping[str, tuple[str, ...]]) -> dict[str, SourceTable]:
    """Return the tables, each with the key that is declared for it in place of its own.

    Raises:
        CaptureRefusedError: a declared key names a column that is not there.
    """
    found = {}
    for name, table in tables.items():
        key = keys.get(name, table.key)
        if missing := set(key) - {column.name for column in table.columns}:
            raise CaptureRefusedError(
                f"table {name} has no column {min(missing)}, which its changes are to be named by"
            )
        found[name] = replace(table, key=key)
    return found

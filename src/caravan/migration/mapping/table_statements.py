"""The target tables of a mapping as SQL, for mappings whose tables nobody has made yet."""

from collections.abc import Iterable, Iterator

from caravan.migration.mapping.contract import Column, TargetTable

__all__ = ["table_statements"]


def table_statements(tables: Iterable[TargetTable]) -> Iterator[str]:
    """Yield one CREATE TABLE for each table, after the schemas they are in. Rights and policies are the caller's.

    Numbers have no fixed scale, so that nothing is ever rounded. References are not constraints here: add those you want.
    """
    listed = list(tables)
    for schema in sorted({table.name.partition(".")[0] for table in listed if "." in table.name}):
        yield f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}"
    for table in listed:
        columns = ",\n    ".join(map(_column, table.columns))
        name = ".".join(map(_quoted, table.name.split(".")))
        yield f"CREATE TABLE {name} (\n    {columns},\n    PRIMARY KEY (org_id, id)\n)"


def _column(column: Column) -> str:
    needed = " NOT NULL" if column.name in {"org_id", "id"} else ""
    return f"{_quoted(column.name)} {column.type}{needed}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

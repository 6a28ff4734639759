"""Values of SQLite: stored as integer, real, text or blob, and meant as a declared rule says."""

from caravan.migration.load.readers.declared_values import declared
from caravan.migration.load.readers.rows import OddValueError, Parse
from caravan.migration.load.readers.rules import Rules
from caravan.migration.load.readers.tables import SourceTable

__all__ = ["InvalidText", "as_stored", "parser_of"]


class InvalidText(bytes):
    """A value of the storage class text whose bytes are not UTF-8."""

    __slots__ = ()


def as_stored(raw: bytes) -> str | InvalidText:
    """Return the text of a value, or its bytes where they are no UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return InvalidText(raw)


def parser_of(table: SourceTable, name: str, rules: Rules) -> Parse:
    """Return what makes exact values of a column."""
    rule = rules.columns.get(f"{table.name}.{name}")
    meant = declared(rule) if rule is not None else None

    def parse(value: object) -> object:
        if type(value) is InvalidText:
            if rules.invalid_text == "bytes":
                return bytes(value)
            raise OddValueError("text.invalid", "the bytes of this text are not UTF-8")
        return value if meant is None else meant(value)

    return parse

"""Reads what ``mysqldump`` and ``mariadb-dump`` write: CREATE TABLE for the types, INSERT for the rows.

FLOAT columns have in a dump the six digits the tool wrote; a live read has all.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.mariadb_schema import members_of
from caravan.migration.load.readers.mariadb_values import parser_of
from caravan.migration.load.readers.rows import Parse
from caravan.migration.load.readers.sql_dump import DumpedRow, DumpFacts, SqlDumpReader
from caravan.migration.load.readers.sql_text import SqlText
from caravan.migration.load.readers.tables import SourceColumn, SourceTable

__all__ = ["MariadbDumpReader"]

_STRING: Final = rb"'(?:[^'\\]++|\\.|'')*+'"
_NAME: Final = rb"`(?:[^`]|``)*+`"
_ANY: Final = re.compile(
    rb"(?P<space>\s++)|(?P<comment>--(?=\s)[^\n]*+\n?|#[^\n]*+\n?|/\*.*?\*/)|(?P<end>;)|(?P<word>[A-Za-z_]++)|(?P<other>.)",
    re.DOTALL,
)
_INSIDE: Final = re.compile(
    rb"(?:[^;'\"`]++|" + _STRING + rb"|\"(?:[^\"\\]|\\.)*+\"|" + _NAME + rb")*+", re.DOTALL
)
_LINE: Final = re.compile(rb"[^\n]*+\n?")
_TABLE: Final = re.compile(
    rb"\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>"
    + _NAME
    + rb")\s*\((?P<body>(?:[^;'`]++|"
    + _STRING
    + rb"|"
    + _NAME
    + rb")*+);",
    re.DOTALL | re.IGNORECASE,
)
_WHAT: Final = re.compile(rb"\s+(?P<what>[A-Za-z]++)")
_INSERT: Final = re.compile(
    rb"(?:\s+IGNORE)?\s+INTO\s+(?P<name>" + _NAME + rb")\s*(?:\((?P<columns>[^)]*+)\)\s*)?VALUES\s*",
    re.IGNORECASE,
)
_OPEN: Final = re.compile(rb"\s*+\(")
_VALUE: Final = re.compile(
    rb"\s*+(?:(?P<null>NULL)|(?:_[a-z0-9]++\s*+)?'(?P<text>(?:[^'\\]++|\\.|'')*+)'|0[xX](?P<hex>[0-9A-Fa-f]++)"
    rb"|[xX]'(?P<xhex>[0-9A-Fa-f]*+)'|[bB]'(?P<bits>[01]*+)'|(?P<number>[-+]?[0-9.]++(?:[eE][-+]?[0-9]++)?))"
    rb"\s*+(?P<next>[,)])",
    re.DOTALL,
)
_BETWEEN: Final = re.compile(rb"\s*+([,;])")
_ESCAPE: Final = re.compile(rb"\\(.)|''", re.DOTALL)
_LETTERS: Final = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}
_COLUMN: Final = re.compile(
    rb"^\s*(?P<name>" + _NAME + rb")\s+(?P<type>[A-Za-z0-9]+(?:\((?:[^()']|" + _STRING + rb")*\))?(?:\s+unsigned)?(?:\s+zerofill)?)(?P<rest>.*)$",
    re.MULTILINE,
)  # fmt: skip
_PRIMARY: Final = re.compile(rb"^\s*PRIMARY KEY \((?P<columns>[^)]*)\)", re.MULTILINE)
_TEXTUAL: Final = ("char", "varchar", "text", "enum", "set")


class MariadbDumpReader(SqlDumpReader):
    dialect: Literal["mariadb"] = "mariadb"

    def parser(self, column: SourceColumn) -> Parse:
        names = self._facts.options.get("names", "utf8mb4")
        read = column if column.charset == "binary" else replace(column, charset=names)
        return parser_of(read, self.rules, utc=self._facts.options.get("time_zone") == "+00:00")

    def rows(self, text: SqlText, facts: DumpFacts, wanted: str | None) -> Iterator[DumpedRow]:
        while not text.ended:
            found = text.take(_ANY)
            if found is None:
                raise StreamDamagedError("the file ends inside a comment", text.offset)
            if found["comment"] is not None:
                _note(found["comment"], facts)
            elif (word := found["word"]) is not None:
                yield from self._statement(word.upper(), text, facts, wanted)
            elif found["other"] is not None:
                raise StreamDamagedError(f"{found['other']!r} begins no statement", text.offset - 1)
        if facts.options.get("begun") and not facts.options.get("completed"):
            raise StreamDamagedError('the file ends without "-- Dump completed"', text.offset)

    def _statement(
        self, word: bytes, text: SqlText, facts: DumpFacts, wanted: str | None
    ) -> Iterator[DumpedRow]:
        if word in {b"INSERT", b"REPLACE"}:
            yield from _inserted(text, wanted)
        elif word == b"DELIMITER":
            _other_delimiter(text, facts)
        elif (
            word == b"CREATE" and (what := text.expect(_WHAT, "what is created"))["what"].upper() == b"TABLE"
        ):
            _created(text, facts)
        elif word == b"CREATE":
            facts.skipped[f"CREATE {what['what'].decode().upper()}"] += 1
            text.skip(_INSIDE, b";")
        else:
            facts.skipped[word.decode()] += 1
            text.skip(_INSIDE, b";")


def _note(comment: bytes, facts: DumpFacts) -> None:
    if comment.startswith((b"-- MySQL dump", b"-- MariaDB dump")):
        facts.options["begun"] = "yes"
    elif comment.startswith(b"-- Dump completed"):
        facts.options["completed"] = "yes"
    elif found := re.match(rb"/\*!\d+ SET NAMES (\w+)", comment):
        facts.options["names"] = found[1].decode()
    elif found := re.match(rb"/\*!\d+ SET TIME_ZONE='([^']*)'", comment):
        facts.options["time_zone"] = found[1].decode()


def _other_delimiter(text: SqlText, facts: DumpFacts) -> None:
    """Pass over triggers and routines, up to the line that sets the delimiter back."""
    facts.skipped["DELIMITER"] += 1
    text.expect(_LINE, "a delimiter")
    while not text.ended:
        if text.expect(_LINE, "a line").group().upper().split() == [b"DELIMITER", b";"]:
            return
    raise StreamDamagedError("the file ends inside a trigger or routine", text.offset)


def _created(text: SqlText, facts: DumpFacts) -> None:
    found = text.expect(_TABLE, "a CREATE TABLE")
    name, body = _name(found["name"]), found["body"]
    primary = _PRIMARY.search(body)
    key = _names(primary["columns"]) if primary else ()
    facts.tables[name] = SourceTable(name, "", tuple(map(_column, _COLUMN.finditer(body))), key)


def _column(found: re.Match[bytes]) -> SourceColumn:
    declared, rest = found["type"].decode(), found["rest"].decode("utf-8", "replace")
    textual = declared.lower().split("(")[0].endswith(_TEXTUAL)
    charset = re.search(r"CHARACTER SET (\w+)", rest)
    binary = charset is not None and charset[1] == "binary"
    return SourceColumn(
        _name(found["name"]),
        declared,
        "NOT NULL" not in rest,
        generated="GENERATED ALWAYS" in rest,
        members=members_of(declared),
        charset="binary" if binary else "utf8mb4" if textual else "",
    )


def _inserted(text: SqlText, wanted: str | None) -> Iterator[DumpedRow]:
    head = text.expect(_INSERT, "an INSERT with values")
    if wanted is None or _name(head["name"]) != wanted:
        text.skip(_INSIDE, b";")
        return
    columns = _names(head["columns"] or b"")
    while True:
        text.expect(_OPEN, "a row")
        offset = text.offset - 1
        values: list[bytes | None] = []
        while True:
            found = text.expect(_VALUE, "a value of a row")
            values.append(_value(found))
            if found["next"] == b")":
                break
        yield DumpedRow(offset, columns, values)
        if text.expect(_BETWEEN, "the end of an INSERT")[1] == b";":
            return


def _value(found: re.Match[bytes]) -> bytes | None:
    if (literal := found["text"]) is not None:
        return _ESCAPE.sub(_meant, literal) if b"\\" in literal or b"''" in literal else literal
    if (number := found["number"]) is not None:
        return number
    if found["null"] is not None:
        return None
    if (bits := found["bits"]) is not None:
        return int(bits or b"0", 2).to_bytes((len(bits) + 7) // 8, "big")
    return bytes.fromhex((found["hex"] or found["xhex"] or b"").decode())


def _meant(escape: re.Match[bytes]) -> bytes:
    letter = escape[1]
    return b"'" if letter is None else _LETTERS.get(letter, letter)


def _names(listed: bytes) -> tuple[str, ...]:
    return tuple(_name(found) for found in re.findall(_NAME, listed))


def _name(quoted: bytes) -> str:
    return quoted[1:-1].replace(b"``", b"`").decode()

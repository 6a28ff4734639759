"""Reads plain ``pg_dump`` SQL: CREATE TABLE for the types, COPY blocks or INSERT for the rows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal

from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.copy_text import fields_of, text_then
from caravan.migration.load.readers.postgres_values import parser_of
from caravan.migration.load.readers.rows import Parse
from caravan.migration.load.readers.sql_dump import DumpedRow, DumpFacts, SqlDumpReader
from caravan.migration.load.readers.sql_text import SqlText
from caravan.migration.load.readers.tables import SourceColumn, SourceTable

__all__ = ["PostgresDumpReader"]

_QUOTED: Final = rb"'(?:[^']|'')*+'"
_ESCAPED: Final = rb"[eE]'(?:[^'\\]|\\.|'')*+'"
_PART: Final = rb'(?:"(?:[^"]|"")*+"|[A-Za-z_][\w$]*+)'
_FULL: Final = rb"(?P<name>" + _PART + rb"(?:\." + _PART + rb")?)"
_ANY: Final = re.compile(
    rb"(?P<space>\s++)|(?P<comment>--[^\n]*+\n?|/\*.*?\*/)|(?P<meta>\\[^\n]*+\n?)|(?P<end>;)|(?P<word>[A-Za-z_]++)|(?P<other>.)",
    re.DOTALL,
)
_INSIDE: Final = re.compile(
    rb"(?:[^;'\"$eE]++|" + _ESCAPED + rb"|[eE](?=[^'])|" + _QUOTED + rb'|"[^"]*+"'
    rb"|\$(?P<tag>\w*+)\$.*?\$(?P=tag)\$|\$(?=[^\w$]))*+",
    re.DOTALL,
)  # fmt: skip
_WORD: Final = re.compile(rb"\s+(?P<word>[A-Za-z]++)")
_TABLE: Final = re.compile(
    rb"\s+" + _FULL + rb"\s*\((?P<body>(?:[^;'\"]++|" + _QUOTED + rb'|"[^"]*+")*+);', re.DOTALL
)
_COPY: Final = re.compile(rb"\s+" + _FULL + rb"\s*(?:\((?P<columns>[^)]*+)\))?\s+FROM stdin;\n")
_INSERT: Final = re.compile(
    rb"\s+INTO\s+" + _FULL + rb"\s*(?:\((?P<columns>[^)]*+)\)\s*)?(?:OVERRIDING SYSTEM VALUE\s*)?VALUES\s*"
)
_REST: Final = re.compile(rb"(?:[^;'\"]++|" + _QUOTED + rb'|"[^"]*+")*+;', re.DOTALL)
_LINE: Final = re.compile(rb"[^\n]*+\n")
_OPEN: Final = re.compile(rb"\s*+\(")
_VALUE: Final = re.compile(
    rb"\s*+(?:(?P<null>NULL)|'(?P<text>(?:[^']++|'')*+)'|[eE]'(?P<escaped>(?:[^'\\]++|\\.|'')*+)'|[bB]'(?P<bits>[01]*+)'"
    rb"|(?P<word>true|false|[-+]?[0-9.]++(?:[eE][-+]?[0-9]++)?))\s*+(?P<next>[,)])",
    re.DOTALL,
)
_BETWEEN: Final = re.compile(rb"\s*+([,;])")
_COLUMN: Final = re.compile(
    r"^\s*(?P<name>\"(?:[^\"]|\"\")*\"|[a-z_][\w$]*)\s+(?P<rest>.*?),?$", re.MULTILINE
)
_TYPE_ENDS: Final = re.compile(
    r"\s+(?:DEFAULT|NOT NULL|GENERATED|COLLATE|CONSTRAINT|CHECK|NULL)\b.*$", re.DOTALL
)
_PRIMARY: Final = re.compile(
    rb"\s+(?:ONLY\s+)?" + _FULL + rb"\s+ADD CONSTRAINT \S+ PRIMARY KEY \((?P<columns>[^)]*)\)"
)
_DOMAIN: Final = re.compile(rb"\s+" + _FULL + rb"\s+AS\s+(?P<type>[^;]*);")
_NO_COLUMNS: Final = ("CONSTRAINT ", "PRIMARY KEY", "CHECK (", "UNIQUE ", "EXCLUDE ", "FOREIGN KEY")


class PostgresDumpReader(SqlDumpReader):
    dialect: Literal["postgresql"] = "postgresql"

    def tables(self) -> Mapping[str, SourceTable]:
        """Return the tables, a domain as the type under it."""
        return {
            name: replace(
                table,
                columns=tuple(replace(column, type=self._plain(column.type)) for column in table.columns),
            )
            for name, table in self._facts.tables.items()
        }

    def parser(self, column: SourceColumn) -> Parse:
        declared = self._plain(column.type)
        encoding = self._facts.options.get("encoding", "UTF8")
        if encoding not in {"UTF8", "SQL_ASCII"}:
            raise LookupError(f"the dump has the encoding {encoding}; dump it with --encoding=UTF8")
        return text_then(parser_of(declared, self.rules), "utf-8", self.rules)

    def _plain(self, declared: str) -> str:
        domain = self._facts.options.get(f"domain {declared}")
        return declared if domain is None else self._plain(_TYPE_ENDS.sub("", domain))

    def rows(self, text: SqlText, facts: DumpFacts, wanted: str | None) -> Iterator[DumpedRow]:
        while not text.ended:
            found = text.take(_ANY)
            if found is None:
                raise StreamDamagedError("the file ends inside a comment", text.offset)
            if found["comment"] is not None:
                _note(found["comment"], facts)
            elif (word := found["word"]) is not None:
                yield from _statement(word.upper(), text, facts, wanted)
            elif found["other"] is not None:
                raise StreamDamagedError(f"{found['other']!r} begins no statement", text.offset - 1)
        if facts.options.get("begun") and not facts.options.get("completed"):
            raise StreamDamagedError('the file ends without "PostgreSQL database dump complete"', text.offset)


def _statement(word: bytes, text: SqlText, facts: DumpFacts, wanted: str | None) -> Iterator[DumpedRow]:
    if word == b"COPY":
        yield from _copied(text, wanted)
    elif word == b"INSERT":
        yield from _inserted(text, wanted)
    elif word in {b"CREATE", b"ALTER", b"SET"}:
        _defined(word, text, facts)
    else:
        facts.skipped[word.decode()] += 1
        text.skip(_INSIDE, b";")


def _note(comment: bytes, facts: DumpFacts) -> None:
    if comment.startswith(b"-- PostgreSQL database dump complete"):
        facts.options["completed"] = "yes"
    elif comment.startswith(b"-- PostgreSQL database dump"):
        facts.options["begun"] = "yes"


def _defined(word: bytes, text: SqlText, facts: DumpFacts) -> None:
    what = text.expect(_WORD, "a statement")["word"]
    if word == b"SET":
        rest = text.expect(_REST, "a setting").group()
        if what == b"client_encoding":
            facts.options["encoding"] = rest.decode().strip(" =';")
        return
    match word, what.upper():
        case b"CREATE", b"TABLE":
            _table(text, facts)
        case b"CREATE", b"DOMAIN":
            found = text.expect(_DOMAIN, "a CREATE DOMAIN")
            facts.options[f"domain {found['name'].decode()}"] = found["type"].decode()
        case b"ALTER", b"TABLE":
            _altered(text.expect(_REST, "an ALTER TABLE").group(), facts)
        case _:
            facts.skipped[f"{word.decode()} {what.decode().upper()}"] += 1
            text.skip(_INSIDE, b";")


def _table(text: SqlText, facts: DumpFacts) -> None:
    found = text.expect(_TABLE, "a CREATE TABLE")
    schema, name = _split(found["name"])
    columns = [
        _column(line)
        for line in _COLUMN.finditer(found["body"].decode())
        if not line[0].strip().startswith(_NO_COLUMNS)
    ]
    facts.tables[_shown(schema, name)] = SourceTable(name, schema, tuple(columns))


def _column(line: re.Match[str]) -> SourceColumn:
    rest = line["rest"]
    return SourceColumn(
        _plain(line["name"]),
        _TYPE_ENDS.sub("", rest),
        "NOT NULL" not in rest,
        generated="GENERATED ALWAYS AS (" in rest,
    )


def _altered(statement: bytes, facts: DumpFacts) -> None:
    found = _PRIMARY.match(statement)
    if found is None:
        facts.skipped["ALTER TABLE"] += 1
        return
    name = _shown(*_split(found["name"]))
    if name in facts.tables:
        facts.tables[name] = replace(facts.tables[name], key=_names(found["columns"]))


def _copied(text: SqlText, wanted: str | None) -> Iterator[DumpedRow]:
    head = text.expect(_COPY, "a COPY from stdin")
    columns = _names(head["columns"] or b"")
    mine = wanted is not None and _shown(*_split(head["name"])) == wanted
    while True:
        offset = text.offset
        line = text.take(_LINE)
        if line is None:
            raise StreamDamagedError("the file ends inside the rows of a COPY", offset)
        content = line.group()[:-1]
        if content == b"\\.":
            return
        if mine:
            yield DumpedRow(offset, columns, fields_of(content))


def _inserted(text: SqlText, wanted: str | None) -> Iterator[DumpedRow]:
    head = text.expect(_INSERT, "an INSERT with values")
    if wanted is None or _shown(*_split(head["name"])) != wanted:
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
        return literal.replace(b"''", b"'")
    if (escaped := found["escaped"]) is not None:
        return re.sub(rb"\\(.)|''", lambda part: part[1] or b"'", escaped, flags=re.DOTALL)
    return None if found["null"] is not None else found["word"] or found["bits"]


def _split(name: bytes) -> tuple[str, str]:
    parts = [_plain(part.decode()) for part in re.findall(_PART, name)]
    return (parts[0], parts[1]) if len(parts) > 1 else ("public", parts[0])


def _shown(schema: str, name: str) -> str:
    return name if schema == "public" else f"{schema}.{name}"


def _names(listed: bytes) -> tuple[str, ...]:
    return tuple(_plain(part.decode()) for part in re.findall(_PART, listed))


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name

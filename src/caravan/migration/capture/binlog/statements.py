"""What statements in the log mean for tables whose rows are followed."""

import re
from collections.abc import Collection, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

__all__ = ["Meaning", "Statement", "meaning_of", "statement"]

_HEAD: Final = 60
"""Characters within which a statement says that it means a temporary table."""
_COMMENT: Final = re.compile(r"/\*(?!M?!).*?\*/|--\s[^\n]*|#[^\n]*", re.DOTALL)
_VERB: Final = re.compile(r"\s*([a-z]+)(?:\s+([a-z]+))?", re.IGNORECASE)
_WORD: Final = re.compile(r"`((?:[^`]|``)+)`|([\w$]+)")
_NAME: Final = r"(?:`(?:[^`]|``)+`|[\w$]+)(?:\s*\.\s*(?:`(?:[^`]|``)+`|[\w$]+))?"
"""A table's name, with that of its database or without."""
_TRUNCATE: Final = re.compile(rf"\s*TRUNCATE\s+(?:TABLE\s+)?({_NAME})", re.IGNORECASE)
_REPLACING: Final = re.compile(
    r"\s*(?:DROP\s+TABLES?\b|RENAME\s+TABLES?\b"
    rf"|CREATE\s+(?:OR\s+REPLACE\s+)?TABLE\s+(?!IF\b)(?P<made>{_NAME})"
    r"|ALTER\s.*\bRENAME\s+(?!COLUMN\b|INDEX\b|KEY\b))",
    re.IGNORECASE | re.DOTALL,
)
"""What puts another table in the place of one, or takes it away: rows go without being told, even where columns stay the same."""

Meaning: TypeAlias = Literal[
    "begin",
    "commit",
    "rollback",
    "partial rollback",
    "truncate",
    "defines",
    "replaces",
    "writes",
    "xa",
    "nothing",
]

_BRACKETS: Final[dict[str, Meaning]] = {"BEGIN": "begin", "COMMIT": "commit", "XA": "xa"}
_DEFINING: Final = frozenset({"ALTER", "CREATE", "DROP", "RENAME"})
_MEANINGS: Final[dict[str, Meaning]] = {
    "TRUNCATE": "truncate",
    **dict.fromkeys(_DEFINING, "defines"),
    **dict.fromkeys(("INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL"), "writes"),
}


class Statement(NamedTuple):
    database: str
    text: str


def statement(body: bytes) -> Statement:
    """Read a query event: https://mariadb.com/kb/en/query_event/."""
    name_length = body[8]
    variables = int.from_bytes(body[11:13], "little")
    at = 13 + variables
    database = body[at : at + name_length].decode("utf-8", "replace")
    return Statement(database, body[at + name_length + 1 :].decode("utf-8", "replace"))


def meaning_of(said: Statement, database: str, tables: Collection[str]) -> tuple[Meaning, tuple[str, ...]]:
    """Return what a statement does, and which of our tables it names."""
    text = _COMMENT.sub(" ", said.text)
    verb = _VERB.match(text)
    first, second = (verb[1].upper(), (verb[2] or "").upper()) if verb else ("", "")
    if first in _BRACKETS:
        return _BRACKETS[first], ()
    if first == "ROLLBACK":
        return ("partial rollback" if second == "TO" else "rollback"), ()
    if first in _DEFINING and second in {"DATABASE", "SCHEMA"}:
        return ("defines", tuple(tables)) if database in _words(text) else ("nothing", ())
    named = tuple(dict.fromkeys(_named(text, said.database, database, tables)))
    if not named or "TEMPORARY" in text[:_HEAD].upper():
        return "nothing", ()
    return ("replaces" if _replaces(text, tables) else _MEANINGS.get(first, "nothing")), named


def _named(text: str, current: str, database: str, tables: Collection[str]) -> Iterator[str]:
    """Yield our tables among the words: rather one too many, except of TRUNCATE, which is carried out on the other side."""
    if (emptied := _TRUNCATE.match(text)) is not None:
        *qualifier, table = _words(emptied[1])
        if (qualifier or [current]) == [database] and table in tables:
            yield table
        return
    words = _words(text)
    if current == database or database in words:
        yield from (word for word in words if word in tables)


def _replaces(text: str, tables: Collection[str]) -> bool:
    found = _REPLACING.match(text)
    if found is None:
        return False
    # A table that is made may name ours only as its pattern or in a reference.
    return found["made"] is None or _words(found["made"])[-1] in tables


def _words(text: str) -> list[str]:
    return [(quoted or plain).replace("``", "`") for quoted, plain in _WORD.findall(text)]

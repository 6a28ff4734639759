"""Keeps what a reviewer wrote beside the keys of a TOML file while a machine writes the file anew."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Comments", "comments_of"]

_TABLE: Final = re.compile(r"\s*(\[[^#\n]*\])\s*(#.*)?")
_KEY: Final = re.compile(r"\s*((?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_-]+))\s*=(.*)")
_LITERALS: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")


@dataclass(slots=True)
class Comments:
    """``above`` and ``behind`` by place: the table's head, and the key as written or nothing for the head itself."""

    above: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    behind: dict[tuple[str, str], str] = field(default_factory=dict)
    end: list[str] = field(default_factory=list)

    def around(self, table: str, key: str, line: str) -> Iterator[str]:
        """Yield the line with its comments."""
        yield from self.above.get((table, key), ())
        behind = self.behind.get((table, key))
        yield f"{line}  {behind}" if behind else line


def comments_of(text: str) -> Comments:
    """Return the comments of a file that keeps each key on a line."""
    found, table, pending = Comments(), "", list[str]()
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            pending.append(line.strip())
            continue
        if (head := _TABLE.fullmatch(line)) is not None:
            table, place, behind = head[1], (head[1], ""), head[2]
        elif (entry := _KEY.fullmatch(line)) is not None:
            place, behind = (table, entry[1]), _behind(entry[2])
        else:
            continue
        if pending:
            found.above[place], pending = pending, []
        if behind:
            found.behind[place] = behind
    found.end = pending
    return found


def _behind(value: str) -> str | None:
    bare = _LITERALS.sub(lambda literal: "x" * len(literal[0]), value)
    return value[bare.index("#") :].strip() if "#" in bare else None

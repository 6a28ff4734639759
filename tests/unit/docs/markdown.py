"""Reading our own Markdown: tables, headings, links."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]^]+\]:\s+(\S+)", re.MULTILINE)
_HTML_LINK = re.compile(r"<(?:img|a)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"", re.IGNORECASE)
_HEADING = re.compile(r"^#+\s+(.*?)\s*#*\s*$", re.MULTILINE)


def tables(text: str) -> Iterator[list[dict[str, str]]]:
    """Yield every table as its rows, keyed by the heading of the column."""
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
            continue
        if len(block) > 1:
            head, _, *body = (_cells(row) for row in block)
            yield [dict(zip(head, row, strict=True)) for row in body]
        block = []


def table(text: str, *columns: str) -> list[dict[str, str]]:
    """Return the rows of all tables that have exactly these columns."""
    return [row for rows in tables(text) for row in rows if tuple(row) == columns]


def section(text: str, heading: str) -> str:
    """Return what stands between the second-level ``heading`` and the next one."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1).strip() if found else ""


def links(text: str) -> list[str]:
    """Return the targets of all links and images outside code."""
    prose = _CODE.sub("", _FENCE.sub("", text))
    return [*_LINK.findall(prose), *_REFERENCE.findall(prose), *_HTML_LINK.findall(prose)]


def anchors(text: str) -> set[str]:
    """Return the fragments that the headings of a page answer to, as the hosting sites make them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def _cells(row: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip())[1:-1]]

"""Rows gathered in memory, then written in one go."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["STATES", "Article", "ArticleRows"]

_ABBREVIATIONS: Final = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR"
    " PA RI SC SD TN TX UT VT VA WA WV WI WY"
)
STATES: Final = tuple(_ABBREVIATIONS.split())
_STAMP: Final = "2026-02-01 08:00:00.000 +00:00"


@dataclass(frozen=True)
class Article:
    """An article; ``None`` where the column is null. Without ``state`` it has no row in the contract table."""

    url: str | None
    headline: str | None
    text: str | None
    state: str


@dataclass
class ArticleRows:
    """What goes into each table, by its columns."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    states: dict[str, str] = field(default_factory=dict)
    """State by article id, '' when it has none."""

    def __post_init__(self) -> None:
        for abbreviation in STATES:
            self._add("States", name=f"State of {abbreviation}", abbreviation=abbreviation)

    def add(self, article: Article, *, approved: bool | None) -> int:
        """Add an article with its state and return its id; with ``None`` nobody has judged it: no approval row."""
        number = self._add("Articles", title=article.headline, url=article.url, publishedDate="2026-01-31")
        self.states[str(number)] = article.state
        if article.state:
            state = STATES.index(article.state) + 1
            self._add("ArticleStateContracts", articleId=number, stateId=state)
        if approved is not None:
            self.approve(number, article, approved=approved)
        return number

    def approve(self, number: int, article: Article, *, approved: bool) -> None:
        """Add a row of approval; an article may have several."""
        self._add(
            "ArticleApproveds",
            userId=1,
            articleId=number,
            isApproved=int(approved),
            headlineForPdfReport=article.headline,
            textForPdfReport=article.text,
            urlForPdfReport=article.url,
        )

    def report(self, number: int, articles: list[int]) -> None:
        """Add a report with these articles."""
        self._add("Reports", nameCrFormat=f"report-{number}", userId=1)
        for place, article in enumerate(articles, start=1):
            self._add(
                "ArticleReportContracts",
                reportId=number,
                articleId=article,
                articleReferenceNumberInReport=f"{number}-{place}",
            )

    def write(self, connection: sqlite3.Connection) -> None:
        """Insert everything; the tables exist and are empty."""
        for table, rows in self.tables.items():
            columns = [*rows[0], "createdAt", "updatedAt"]
            places = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",  # noqa: S608 - our own names
                ([*row.values(), _STAMP, _STAMP] for row in rows),
            )

    def _add(self, table: str, **values: Any) -> int:  # noqa: ANN401 - columns differ in type
        rows = self.tables[table]
        rows.append({"id": len(rows) + 1, **values})
        return len(rows)

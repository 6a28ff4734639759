"""The tables of the shared database that the deduper reads and writes, as the owning application creates them."""

import sqlite3
from typing import Final

__all__ = ["create_tables"]

_TABLES: Final = {
    "Articles": """publicationName VARCHAR(255), author VARCHAR(255), title VARCHAR(255), description VARCHAR(255),
        url VARCHAR(255), urlToImage VARCHAR(255), publishedDate DATE, entityWhoFoundArticleId INTEGER,
        newsApiRequestId INTEGER, newsRssRequestId INTEGER""",
    "ArticleApproveds": """userId INTEGER, articleId INTEGER NOT NULL, isApproved TINYINT(1) DEFAULT 1,
        headlineForPdfReport VARCHAR(255), publicationNameForPdfReport VARCHAR(255),
        publicationDateForPdfReport DATE, textForPdfReport VARCHAR(255), urlForPdfReport VARCHAR(255),
        kmNotes VARCHAR(255)""",
    "States": "name VARCHAR(255), abbreviation VARCHAR(255)",
    "ArticleStateContracts": "articleId INTEGER, stateId INTEGER",
    "Reports": """dateSubmittedToClient DATETIME, nameCrFormat VARCHAR(255), nameZipFile VARCHAR(255),
        userId INTEGER""",
    "ArticleReportContracts": """reportId INTEGER, articleId INTEGER, articleReferenceNumberInReport VARCHAR(255),
        articleAcceptedByCpsc TINYINT(1) DEFAULT 1, articleRejectionReason VARCHAR(255)""",
    "ArticleDuplicateAnalyses": """articleIdNew INTEGER NOT NULL REFERENCES Articles (id),
        articleIdApproved INTEGER NOT NULL REFERENCES Articles (id), reportId INTEGER, sameArticleIdFlag INTEGER,
        articleNewState VARCHAR(255), articleApprovedState VARCHAR(255), sameStateFlag INTEGER, urlCheck INTEGER,
        contentHash FLOAT, embeddingSearch FLOAT""",
}


def create_tables(connection: sqlite3.Connection) -> None:
    for name, columns in _TABLES.items():
        connection.execute(
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns},"
            " createdAt DATETIME NOT NULL, updatedAt DATETIME NOT NULL)"
        )

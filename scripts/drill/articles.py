"""The shared database of the drill, and what the program has to find in it."""

import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.drill.record import DrillError
from scripts.drill.sides import ROOT

__all__ = ["SharedArticles", "generated"]

_GENERATOR: Final = ROOT / "examples/legacy/deduper-data/generate.py"
_PLANTED: Final = {
    "sameArticleIdFlag = 1": ("same_id",),
    "urlCheck = 1": ("same_id", "same_url", "same_url_and_text", "no_url"),
    "embeddingSearch > 0.8": ("same_id", "same_text", "same_url_and_text", "near_text", "no_text"),
}


@dataclass(frozen=True)
class SharedArticles:
    """A generated database with the truth about its first report."""

    folder: Path
    truth: dict[str, Any]

    def environment(self) -> dict[str, str]:
        """What queue and program need: this database, and the built-in overlap of words in place of a model."""
        return {
            "PATH_TO_PYTHON_VENV": sys.prefix,
            "PATH_TO_MICROSERVICE_DEDUPER": str(ROOT / "examples/legacy/deduper"),
            "PATH_TO_DATABASE": str(self.folder),
            "NAME_DB": "articles.db",
            "RUN_ENVIRONMENT": "development",
            "DEDUPER_BUILTIN_EMBEDDING": "1",
        }

    @property
    def new(self) -> int:
        """New articles of the report."""
        return len(self.truth["reports"]["1"]["new"])

    def count(self) -> int:
        """Return the number of pairs in the table."""
        ((count,),) = self._ask("SELECT count(*) FROM ArticleDuplicateAnalyses")
        return int(count)

    def digest(self) -> str:
        """Check the table against the truth, and return the first characters of its SHA-256."""
        if (count := self.count()) != (wanted := self.new * len(self.truth["approved"])):
            raise DrillError(f"{count} pairs in the table, not {wanted}")
        planted = self.truth["reports"]["1"]["planted"]
        for condition, kinds in _PLANTED.items():
            expected = sorted(tuple(pair) for kind in kinds for pair in planted[kind])
            pairs = "SELECT articleIdNew, articleIdApproved FROM ArticleDuplicateAnalyses"
            if (found := self._ask(f"{pairs} WHERE {condition} ORDER BY 1, 2")) != expected:
                raise DrillError(
                    f"{condition}: {len(found)} pairs found, {len(expected)} planted, not the same"
                )
        rows = self._ask(
            "SELECT articleIdNew, articleIdApproved, reportId, sameArticleIdFlag, articleNewState,"
            " articleApprovedState, sameStateFlag, urlCheck, contentHash, round(embeddingSearch, 9)"
            " FROM ArticleDuplicateAnalyses ORDER BY 1, 2"
        )
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "articles.db")) as connection:
            return connection.execute(statement).fetchall()


def generated(folder: Path, *, approved: int, new: int) -> SharedArticles:
    """Generate one report's articles into the folder."""
    size = ["--approved", str(approved), "--reports", "1", "--new", str(new)]
    subprocess.run([sys.executable, str(_GENERATOR), "--out", str(folder), *size], check=True, timeout=30)  # noqa: S603 - our own program
    return SharedArticles(folder, json.loads((folder / "truth.json").read_text(encoding="utf-8")))

"""Write a shared SQLite of invented articles, reports with planted duplicates, and the truth about them.

    python examples/legacy/deduper-data/generate.py --out /tmp/deduper-data

Writes ``articles.db``, ``truth.json`` and ``new-articles.csv`` (the ids of report 1, untidy on purpose). The same
options give the same content.
"""

import argparse
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from article_rows import ArticleRows
from invented_articles import Inventor
from planted_duplicates import Planter
from shared_tables import create_tables


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--out", type=Path, required=True)
    options.add_argument(
        "--approved", type=int, default=3000, help="approved articles; at least 100 per report"
    )
    options.add_argument("--reports", type=int, default=3)
    options.add_argument("--new", type=int, default=40, help="new articles per report; at least 16")
    options.add_argument("--seed", default="caravan-1")
    chosen = options.parse_args()
    if chosen.new < Planter.PLANTED or chosen.approved < 100 * chosen.reports:
        options.error(f"--new must be {Planter.PLANTED} or more, --approved 100 or more per report")
    generate(chosen.out, approved=chosen.approved, reports=chosen.reports, new=chosen.new, seed=chosen.seed)


def generate(out: Path, *, approved: int, reports: int, new: int, seed: str) -> None:
    """Write the three files into ``out``; a database that is there is replaced."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "articles.db"
    path.unlink(missing_ok=True)
    rows = ArticleRows()
    planter = Planter(Inventor(seed), rows, approved)
    truth: dict[str, Any] = {
        "seed": seed,
        "approved": planter.approved_ids,
        "reports": {str(number): planter.report(number, new) for number in range(1, reports + 1)},
        "states": rows.states,
    }
    with closing(sqlite3.connect(path)) as connection, connection:
        create_tables(connection)
        rows.write(connection)
    (out / "truth.json").write_text(json.dumps(truth, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (out / "new-articles.csv").write_text(_untidy(truth["reports"]["1"]["new"]), encoding="utf-8")


def _untidy(ids: Sequence[int]) -> str:
    """Return the ids as people keep them: semicolons, a header, another column first, a bad row, one id twice."""
    lines = [f"line {line};{number}" for line, number in enumerate([*ids, ids[0]], start=1)]
    return "\n".join(["note;articleId", *lines, "line x;none", ""])


if __name__ == "__main__":
    main()

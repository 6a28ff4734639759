"""The deduper program of `examples/legacy/deduper` against one that asks the database for each pair, in pairs a second.

Both do `analyze_fast` over 3,000 approved articles with the built-in word overlap: ours for 500 new articles, as the
queue starts it (process, imports and log file included); the other, in this process, for the first ``PEER_NEW`` of
them only, since its time grows with the pairs and nothing else. Both tables have to agree on those.
``peer`` runs on the tables as their owner makes them, which have no index on an article's id; ``peer_indexed`` has them.
``cpu_`` figures are of processor time, which hardly feels what else the machine does.
"""

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from bench.pair_by_pair import analyze_pair_by_pair

APPROVED: Final = 3000
NEW: Final = 500
PEER_NEW: Final = 10
BAR: Final = 20
_LEGACY: Final = Path(__file__).parents[1] / "examples/legacy"
_COLUMNS: Final = (
    "articleIdNew, articleIdApproved, reportId, sameArticleIdFlag, articleNewState, articleApprovedState,"
    " sameStateFlag, urlCheck, contentHash, round(embeddingSearch, 9)"
)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return pairs per second of both sides, and their ratio; that of processor time has to reach ``BAR``."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        generator = [sys.executable, str(_LEGACY / "deduper-data/generate.py"), "--out", folder]
        size = ["--approved", str(APPROVED), "--reports", "1", "--new", str(NEW)]
        subprocess.run([*generator, *size], check=True)
        rounds = [_round(base) for _ in range(arguments.repeat)]
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    return {
        "new": NEW,
        "approved": APPROVED,
        "peer_new": PEER_NEW,
        "bar": BAR,
        "passed": medians["cpu_ratio"] >= BAR,
        **medians,
        "rounds": rounds,
    }


def _round(base: Path) -> dict[str, float]:
    ours = base / "ours.db"
    peer, peer_cpu, expected = _measured_peer(base, indexed=False)
    shutil.copy(base / "articles.db", ours)
    began, used = time.perf_counter(), _children()
    _run_ours(ours)
    our_rate = NEW * APPROVED / (time.perf_counter() - began)
    our_cpu = NEW * APPROVED / (_children() - used)
    with closing(sqlite3.connect(ours)) as connection:
        assert connection.execute("SELECT count(*) FROM ArticleDuplicateAnalyses").fetchone() == (
            NEW * APPROVED,
        )
        assert _rows(connection, _first_new(connection)) == expected, "the sides differ"
    indexed, indexed_cpu, _ = _measured_peer(base, indexed=True)
    told = {
        "ours": round(our_rate),
        "peer": round(peer),
        "peer_indexed": round(indexed),
        "ratio": round(our_rate / peer, 1),
        "ratio_indexed": round(our_rate / indexed, 1),
        "cpu_ratio": round(our_cpu / peer_cpu, 1),
        "cpu_ratio_indexed": round(our_cpu / indexed_cpu, 1),
    }
    print(json.dumps(told), file=sys.stderr)
    return told


def _measured_peer(base: Path, *, indexed: bool) -> tuple[float, float, list[tuple[Any, ...]]]:
    """Return the other side's pairs a second, of the clock and of the processor, and the rows it wrote."""
    shutil.copy(base / "articles.db", base / "peer.db")
    with closing(sqlite3.connect(base / "peer.db")) as connection:
        if indexed:
            connection.execute("CREATE INDEX of_states ON ArticleStateContracts (articleId)")
            connection.execute("CREATE INDEX of_approvals ON ArticleApproveds (articleId)")
        new = _first_new(connection)
        began, used = time.perf_counter(), time.process_time()
        pairs = analyze_pair_by_pair(connection, new, 1)
        spent = time.perf_counter() - began, time.process_time() - used
        return pairs / spent[0], pairs / spent[1], _rows(connection, new)


def _children() -> float:
    """Return the processor seconds of the processes started and ended so far."""
    times = os.times()
    return times.children_user + times.children_system


def _first_new(connection: sqlite3.Connection) -> list[int]:
    found = connection.execute(
        "SELECT articleId FROM ArticleReportContracts ORDER BY articleId LIMIT ?", (PEER_NEW,)
    )
    return [number for (number,) in found]


def _run_ours(database: Path) -> None:
    environment = {
        "PATH_TO_DATABASE": str(database.parent),
        "NAME_DB": database.name,
        "RUN_ENVIRONMENT": "production",
        "NAME_APP": "bench",
        "PATH_TO_LOGS": str(database.parent / "logs"),
        "DEDUPER_BUILTIN_EMBEDDING": "1",
    }
    program = [sys.executable, str(_LEGACY / "deduper/src/main.py"), "analyze_fast", "--report-id", "1"]
    subprocess.run(program, env=os.environ | environment, check=True)


def _rows(connection: sqlite3.Connection, new: list[int]) -> list[tuple[Any, ...]]:
    places = ", ".join("?" * len(new))
    return connection.execute(
        f"SELECT {_COLUMNS} FROM ArticleDuplicateAnalyses WHERE articleIdNew IN ({places})"  # noqa: S608 - our own names
        " ORDER BY articleIdNew, articleIdApproved",
        new,
    ).fetchall()

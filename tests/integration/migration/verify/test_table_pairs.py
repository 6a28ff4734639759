"""Two tables named in a migration file: resumed after a kill, looked at again while both are written to, told as a report."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.config import read_config
from caravan.migration.verify.errors import NotComparableError, VerifyRunningError, VerifyTargetError
from caravan.migration.verify.pairs.settling import Patience
from caravan.migration.verify.pairs.walk import Tuning
from caravan.migration.verify.report import SubjectReport, VerificationReport
from caravan.migration.verify.report_page import verification_page
from caravan.migration.verify.runs import begun_run
from caravan.migration.verify.sides import side_named
from caravan.migration.verify.table_pairs import TablesRequest, verify_keys, verify_tables
from tests.fixtures.toy.shop import ORG

_TABLE = "CREATE TABLE goods (id int PRIMARY KEY, name text, price numeric(18,4))"
_FILE = """
[migration]
name = "goods"
org = "toy"
[sources.old]
kind = "sqlite"
path = "old.db"
"""


class Goods:
    def __init__(self, database: DatabaseAddress, folder: Path) -> None:
        self.database, self.folder = database, folder
        (folder / "migration.toml").write_text(_FILE)
        rows = [(n, f"thing {n}", f"{n}.5000") for n in range(-10, 190)]
        file = sqlite3.connect(folder / "old.db")
        file.execute(_TABLE.replace("int PRIMARY", "INTEGER PRIMARY"))
        file.executemany("INSERT INTO goods VALUES (?, ?, ?)", rows)
        file.commit()
        file.close()
        with psycopg.connect(database.libpq(Role.OWNER), autocommit=True) as connection:
            connection.execute(_TABLE.encode())
            connection.execute(f"GRANT ALL ON goods TO {Role.SYSTEM}".encode())
            connection.cursor().executemany("INSERT INTO goods VALUES (%s, %s, %s)", rows)

    def request(self, right: str = "target:goods", **changes: object) -> TablesRequest:
        config = read_config(self.folder / "migration.toml")
        sides = side_named(config, "old:goods"), side_named(config, right)
        return TablesRequest(config, self.database, ORG, *sides, tuning=Tuning(chunk=20), **changes)  # type: ignore[arg-type]

    def new(self, statement: str) -> None:
        with psycopg.connect(self.database.libpq(Role.SYSTEM), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def goods(own_database: DatabaseAddress, tmp_path: Path) -> Goods:
    return Goods(own_database, tmp_path)


def keys(report: SubjectReport) -> list[tuple[str | None, str]]:
    return [(one.key[0], one.kind) for one in report.differences]


def test_the_report_tells_verdict_ways_and_fields(goods: Goods) -> None:
    assert verify_tables(goods.request()).verdict == "same"
    goods.new("UPDATE goods SET name = 'it''s <b>' WHERE id = 7")
    report = verify_tables(goods.request())
    assert (report.verdict, keys(report), report.left_rows, report.chunks) == (
        "different",
        [("7", "changed")],
        200,
        10,
    )
    with psycopg.connect(goods.database.libpq(Role.SYSTEM)) as connection:
        rows = connection.execute(
            "SELECT state, report FROM engine.verify_runs ORDER BY created_at"
        ).fetchall()
    assert [state for state, _ in rows] == ["same", "different"]
    assert rows[1][1]["differences"] == [{"key": ["7"], "kind": "changed", "columns": ["name"]}]
    assert "<b>" not in json.dumps(rows[1][1])  # values are people's data, and are not stored
    whole = VerificationReport("goods", [report])
    assert (whole.exit_code, json.loads(whole.to_json())["subjects"][0]["differences"][0]["fields"]) == (
        1, [{"column": "name", "left": "thing 7", "right": "it's <b>"}],
    )  # fmt: skip
    page = verification_page(whole)
    assert "it&#39;s &lt;b&gt;" in page
    assert "<b>" not in page


def test_a_killed_verification_goes_on_behind_its_last_chunk(goods: Goods) -> None:
    goods.new("UPDATE goods SET name = 'x' WHERE id IN (-10, 180)")
    program = f"""
import sys
from pathlib import Path
from uuid import UUID
from caravan.core.database import DatabaseAddress
from caravan.migration.config import read_config
from caravan.migration.verify import runs
from caravan.migration.verify.pairs.walk import Tuning
from caravan.migration.verify.sides import side_named
from caravan.migration.verify.table_pairs import TablesRequest, verify_keys, verify_tables

real = runs.Run.note
def note(run, node, verdict, facts):
    real(run, node, verdict, facts)
    if node == "00004":
        print("there", flush=True)
        sys.stdin.read()
runs.Run.note = note
config = read_config(Path({str(goods.folder / "migration.toml")!r}))
verify_tables(TablesRequest(config, DatabaseAddress({goods.database.url!r}), UUID({str(ORG)!r}),
    side_named(config, "old:goods"), side_named(config, "target:goods"), tuning=Tuning(chunk=20)))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        with (
            pytest.raises(VerifyRunningError),
            begun_run(goods.database, ORG, "goods", "old:goods = target:goods", ""),
        ):
            pass
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        try:
            report = verify_tables(goods.request())
            break
        except VerifyRunningError:  # the server has not noticed yet
            assert time.monotonic() < deadline
    assert report.resumed == 4  # of five judged chunks one differs, and is judged again
    assert keys(report) == [("-10", "changed"), ("180", "changed")]
    assert report.left_rows == report.right_rows == 200
    assert verify_tables(goods.request()).resumed == 0


def test_a_difference_that_goes_while_one_looks_again_is_not_told(goods: Goods) -> None:
    goods.new("UPDATE goods SET name = 'x' WHERE id IN (1, 2, 3)")
    turns = [0.0]

    def meanwhile(seconds: float) -> None:
        turns.append(turns[-1] + seconds)
        goods.new("UPDATE goods SET name = 'thing 1' WHERE id = 1")
        goods.new(f"UPDATE goods SET name = 'never still {len(turns)}' WHERE id = 2")  # noqa: S608 - a count

    watched = {"patience": Patience(bound=2, most=5, pause=1), "sleep": meanwhile, "clock": lambda: turns[-1]}
    report = verify_tables(goods.request(**watched))
    assert keys(report) == [("3", "changed")]
    assert (report.not_judged, report.verdict) == (1, "different")
    assert report.generations == 7
    goods.new("UPDATE goods SET name = 'thing 3' WHERE id = 3")
    report = verify_tables(goods.request(**watched))
    assert (report.verdict, report.not_judged) == ("not judged", 1)
    assert VerificationReport("goods", [report]).exit_code == 2


def test_touched_keys_alone_can_be_looked_at(goods: Goods) -> None:
    goods.new("UPDATE goods SET name = 'x' WHERE id IN (1, 2)")
    report = verify_keys(goods.request(), [("2",), ("3",), ("1000",)])
    assert keys(report) == [("2", "changed")]


def test_beyond_what_is_told_differences_are_counted_by_kind(goods: Goods) -> None:
    goods.new("UPDATE goods SET name = 'x' WHERE id < 100")
    goods.new("DELETE FROM goods WHERE id >= 180")
    goods.new("INSERT INTO goods VALUES (1000, 'y', 1)")
    request = replace(goods.request(), tuning=Tuning(chunk=20, told=3))
    report = verify_tables(request)
    assert report.counts == {"changed": 110, "missing": 10, "extra": 1}
    assert [(one.kind, len(one.fields)) for one in report.differences] == [("changed", 1)] * 3


@pytest.mark.parametrize(
    ("right", "error", "said"),
    [
        ("target:nowhere", NotComparableError, "no table nowhere"),
        ("new:goods", VerifyTargetError, "there are old, target"),
        ("goods", VerifyTargetError, "names no table"),
        ("target:spans", NotComparableError, "column name: TEXT of goods and interval of spans"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(
    goods: Goods, right: str, error: type[Exception], said: str
) -> None:
    with psycopg.connect(goods.database.libpq(Role.OWNER), autocommit=True) as connection:
        connection.execute("CREATE TABLE spans (id int PRIMARY KEY, name interval)")
        connection.execute(f"GRANT ALL ON spans TO {Role.SYSTEM}".encode())
    with pytest.raises(error, match=said):
        verify_tables(goods.request(right))

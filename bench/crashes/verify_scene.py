# ruff: noqa: S608 - statements on tables of the campaign's own
"""Verifications and repairs killed on their way: the next one finds exactly what was planted, and mends nothing else."""

import re
from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar, Final

from bench.crashes.pair import Pair, load_alone, made_pair, verified
from bench.crashes.points import Point
from bench.crashes.scene import Case, Outcome, Scene, attempts
from bench.crashes.stores import Store
from bench.crashes.writers import Writer
from caravan.migration.verify.pairs.walk import Tuning
from caravan.migration.verify.repair import plan_repair, repair
from caravan.migration.verify.sides import side_named
from caravan.migration.verify.table_pairs import TablesRequest, verify_tables

__all__ = ["VerifyScene"]

_GOODS: Final = 240
_CHUNK: Final = 20
_ROWS: Final = 60
_LONGEST: Final = 0.3


class VerifyScene(Scene):
    """Two tables and a migration's data sets, with differences planted by the seed and taken out again."""

    area: ClassVar[str] = "verify"
    points: ClassVar[Sequence[Point]] = (
        Point("verify.tables.begun", "the run is noted or found again", "verify.runs:Run.noted"),
        Point("verify.tables.judging", "a chunk is judged, not noted", "verify.runs:Run.note", "before", most=6),
        Point("verify.tables.noted", "a chunk is noted", "verify.runs:Run.note", most=6),
        Point("verify.tables.ending", "all is judged, the run is not closed", "verify.runs:Run.end", "before"),
        Point("verify.tables.ended", "the run is closed", "verify.runs:Run.end"),
        Point("verify.records.read", "the source is read and mapped", "verify.mapped.data_sets:source_totals", most=2),
        Point("verify.records.opened", "differing records are opened", "verify.mapped.data_sets:opened_buckets"),
        Point("verify.records.ended", "a data set's run is closed", "verify.runs:Run.end", most=2),
        Point("verify.repair.marked", "chunks are called stale, nothing is written", "verify.repair:run_load", "before"),
        Point("verify.repair.written", "a chunk is written again, not committed", "load.chunk_commit:write_ledger"),
        Point("verify.repair.loaded", "all is written again, not verified", "verify.repair:run_load"),
    )  # fmt: skip

    def begin(self) -> None:
        self.pair = made_pair(self.old_store(), self.database(), self.folder)
        Writer(self.pair.old, 1, "first").write(_ROWS)
        ended = self.stage.nursery.run(self.order(load_alone, self.pair))
        assert ended.code == 0, self.last_words()
        rows = [(number, f"thing {number}", f"{number}.5000") for number in range(_GOODS)]
        for store in (self.pair.old, self.platform):
            with store.connected() as connection:
                store.execute(connection, "BEGIN")
                for row in rows:
                    store.execute(connection, "INSERT INTO goods (id, name, total) VALUES (?, ?, ?)", *row)
                store.execute(connection, "COMMIT")

    @property
    def platform(self) -> Store:
        """Our database without an organisation, for tables that have none."""
        return Store("postgresql", self.pair.database.libpq(None))

    def play(self, case: Case, point: Point | None, outcome: Outcome) -> None:
        chance = Random(case.seed)
        what = case.point.split(".")[1] if point else ("tables", "records", "repair")[case.seed % 3]
        if what == "tables":
            self._play_tables(case, point, chance, outcome)
        else:
            self._play_records(case, point, chance, outcome, repaired=what == "repair")

    def _die(self, case: Case, point: Point | None, work: Any, *arguments: Any, outcome: Outcome) -> None:  # noqa: ANN401 - of any work
        for how in attempts(case, point, _LONGEST):
            order = self.order(work, *arguments, **how)
            if self.stage.nursery.run(order).killed:
                outcome.crashes += 1
                return

    def _play_tables(self, case: Case, point: Point | None, chance: Random, outcome: Outcome) -> None:
        changed = sorted(chance.sample(range(_GOODS), 1 + chance.randrange(5)))
        gone = chance.choice([number for number in range(_GOODS) if number not in changed])
        store = self.platform
        for number in changed:
            store.run("UPDATE goods SET name = name || '~' WHERE id = ?", number)
        store.run("DELETE FROM goods WHERE id = ?", gone)
        wanted = sorted([["changed", str(number)] for number in changed] + [["missing", str(gone)]])
        try:
            self._die(case, point, tables_verified, self.pair, outcome=outcome)
            told = self.again(outcome, tables_verified, self.pair).told
            if told != wanted:
                outcome.problems.append(f"{wanted} was planted, the verifier says {told}")
        finally:
            store.run(
                "INSERT INTO goods (id, name, total) VALUES (?, ?, ?)", gone, f"thing {gone}", f"{gone}.5000"
            )
            store.run("UPDATE goods SET name = replace(name, '~', '')")

    def _play_records(
        self, case: Case, point: Point | None, chance: Random, outcome: Outcome, *, repaired: bool
    ) -> None:
        new = self.pair.new
        rows = new.run(f"SELECT id, code FROM crash_customers WHERE {new.where} ORDER BY code")
        planted = chance.sample(rows, min(len(rows), 1 + chance.randrange(4)))
        before = new.held()
        for row_id, _ in planted:
            new.run("UPDATE crash_customers SET name = name || '~' WHERE id = ?", row_id)
        work = repaired_records if repaired else verified
        self._die(case, point, work, self.pair, outcome=outcome)
        told = self.again(outcome, work, self.pair).told
        if repaired:
            outcome.problems += self.pair.differences()
        elif sorted(each[3] for each in told["customers"][1]) != sorted(str(row_id) for row_id, _ in planted):
            outcome.problems.append(f"{planted} was planted, the verifier says {told}")
        for row_id, _ in planted:
            new.run("UPDATE crash_customers SET name = regexp_replace(name, '~$', '') WHERE id = ?", row_id)
        if new.held() != before:
            outcome.problems.append("a row was changed that nobody asked to change")


def tables_verified(pair: Pair) -> list[list[str]]:
    """Compare the two tables of goods chunk by chunk; returns what differs."""
    config = pair.config()
    sides = (side_named(config, "shop:goods"), side_named(config, "target:goods"))
    report = verify_tables(
        TablesRequest(config, pair.database, pair.org, *sides, tuning=Tuning(chunk=_CHUNK))
    )
    return sorted([one.kind, re.sub(r"\D", "", str(one.key[0]))] for one in report.differences)


def repaired_records(pair: Pair) -> int:
    """Repair what differs, as somebody at the command line would; returns how many data sets did."""
    request = pair.request()
    plans = [one for one in plan_repair(request) if not one.empty]
    if plans:
        after = repair(request, plans, by="campaign").after
        assert all(one.verdict == "same" for one in after), after
    return len(plans)

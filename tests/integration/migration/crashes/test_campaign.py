"""The crash campaign in short: some of its points on real servers, and that its list of points is the product's."""

import json
import subprocess
import sys
from pathlib import Path

from bench.crashes.plan import KINDS, POINTS, SCENES, batches, planned
from bench.crashes.points import owner_of
from caravan.core.database import DatabaseAddress
from caravan.migration.units import CUTOVER

_ROOT = Path(__file__).resolve().parents[4]
_PLAYED = (
    "load.committed",
    "forward.moved",
    "back.legacy",
    "cutover.switch.flip.effect",
    "cutover.reverse-undone.unfence.effect",
)


def test_no_row_is_lost_doubled_or_changed_wherever_a_process_is_killed(
    postgres_server: DatabaseAddress, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.crashes", "--lanes", "1", "--kinds", "sqlite", "--point", ",".join(_PLAYED),
         "--seed", "3", "--database", postgres_server.url, "--figures", str(tmp_path / "figures.json")],
        cwd=_ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {name.partition(" ")[0]: one["crashes"] for name, one in figures["played"].items()} == {
        **dict.fromkeys(_PLAYED, 1),
        # It dies before the flip first: only then is there something to undo.
        "cutover.reverse-undone.unfence.effect": 2,
    }
    assert (figures["whole"], figures["wrong"], figures["not_hit"]) == (True, [], [])


def test_every_point_is_a_place_of_the_product() -> None:
    for point in POINTS.values():
        owner_of(point)
    for step in CUTOVER:
        plain = step.name.replace(" ", "-")
        for way in ("switch", "reverse"):
            assert {f"cutover.{way}.{plain}.{when}" for when in ("intent", "effect", "done")} <= POINTS.keys()


def test_the_whole_campaign_forces_a_thousand_crashes_at_least_five_at_each_point() -> None:
    cases = planned(5, KINDS, tuple(SCENES))
    by_point = {name: [case for case in cases if case.point == name] for name in POINTS}
    assert all(len({(case.kind, case.seed) for case in found}) >= 5 for found in by_point.values())
    # What is undone was killed once before.
    assert len(cases) + sum("-undone." in case.point for case in cases) >= 1_000
    played = [case for batch in batches(cases) for case in batch]
    assert sorted(map(str, played)) == sorted(map(str, cases))
    assert all(len({(case.area, case.kind) for case in batch}) == 1 for batch in batches(cases))

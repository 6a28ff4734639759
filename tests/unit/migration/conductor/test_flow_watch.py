"""A flow that needs somebody is an alarm: once per cause, and over when the cause is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caravan.migration.conductor.flow_watch import ForeignWrite, SeenFlows, ailing, flow_alarms
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.sync.flow_rows import Flow
from caravan.migration.units import StoredUnit, UnitValues

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FILE = """
[migration]
name = "shop"
org = "retail"
[sources.old]
path = "dump"
[[data_sets]]
name = "orders"
source = "old"
collection = "orders"
mapping = "a.b:orders"
[[units]]
name = "orders"
data_sets = ["orders"]
{unit}
[gates]
lag = 5
[alerts]
{alerts}
"""
WELL = Flow(
    source="old",
    direction="forward",
    epoch=1,
    holder="host:1",
    mode="apply",
    wish="run",
    state="running",
    start_number=0,
    applied_number=9,
    applied_resume="",
    applied_at=NOW,
    head_number=9,
    head_at=NOW,
    stop_number=None,
    pending=0,
    lag_seconds=0.0,
    transactions=1,
    rows_applied=1,
    rows_passed=0,
    rows_refused=0,
    foreign_writes=0,
    heartbeat_at=NOW - timedelta(seconds=1),
    error_code=None,
    error=None,
)
BACK = replace(WELL, direction="reverse")
WATCHING = replace(WELL, mode="watch", foreign_writes=3)
LAST = ForeignWrite("orders", "insert", '{"id": 7}', NOW, NOW)


def config(unit: str = "", alerts: str = "") -> MigrationConfig:
    return read_config_text(Path("migration.toml"), FILE.format(unit=unit, alerts=alerts))


def told(
    *flows: Flow, state: int = 4, foreign: ForeignWrite | None = None, given: MigrationConfig | None = None
) -> dict[str, str]:
    """Return the alarms' severities by cause."""
    seen = SeenFlows(flows)
    if foreign is not None:
        last: dict[tuple[str, str], ForeignWrite] = {
            (flow.source, flow.direction): foreign for flow in flows if flow.mode == "watch"
        }
        seen = SeenFlows(flows, last)
    units = {"orders": StoredUnit("orders", UnitValues(state), NOW - timedelta(hours=2))}
    return {alarm.cause: alarm.severity for alarm in flow_alarms(seen, given or config(), units, NOW)}


def test_flows_that_are_well_raise_no_alarm() -> None:
    assert told(WELL) == {}
    assert told(replace(WELL, mode="watch"), BACK, state=7) == {}


def test_a_unit_without_its_flow_is_an_alarm() -> None:
    assert told() == {"flow gone old forward": "critical"}
    assert told(replace(WELL, mode="watch"), state=8) == {"flow gone old reverse": "critical"}


@pytest.mark.parametrize("state", [2, 9])
def test_before_the_copy_and_behind_the_end_no_flow_is_needed(state: int) -> None:
    assert told(state=state) == {}
    assert told(replace(WELL, state="stopped", heartbeat_at=NOW - timedelta(days=1)), state=state) == {}


def test_a_flow_that_failed_is_told_also_where_no_unit_needs_it() -> None:
    failed = replace(WELL, state="failed", error_code="capture_changes_lost", error="the slot is lost")
    assert told(failed) == {"flow failed old forward": "critical"}
    assert told(failed, state=1) == {"flow failed old forward": "warning"}


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_flow_that_nobody_carries_is_an_alarm_after_a_moment_in_which_it_may_be_started_anew(
    state: str,
) -> None:
    def silent(seconds: float) -> dict[str, str]:
        flow = replace(WELL, heartbeat_at=NOW - timedelta(seconds=seconds))
        return told(replace(flow, state="stopped") if state == "stopped" else flow)

    assert silent(14) == {}
    assert silent(16) == {"flow stopped old forward": "critical"}


def test_lag_is_an_alarm_above_the_gate_or_above_a_bound_of_its_own() -> None:
    late = replace(WELL, lag_seconds=6.0)
    assert told(late) == {"flow lag old forward": "warning"}
    assert told(late, given=config(alerts="lag = 60")) == {}
    assert told(replace(late, stop_number=9)) == {}


def test_a_source_that_keeps_too_much_of_its_log_is_an_alarm() -> None:
    keeping = replace(WELL, retained_bytes=65 << 20)
    assert told(keeping) == {}
    assert told(keeping, given=config(alerts="retained_mib = 64")) == {
        "flow retained old forward": "critical"
    }


def test_a_write_past_the_side_with_authority_is_an_alarm_until_the_unit_moves() -> None:
    assert told(WATCHING, BACK, state=7, foreign=LAST) == {"foreign writes old old": "critical"}
    before = replace(LAST, seen_at=NOW - timedelta(hours=3))
    assert told(WATCHING, BACK, state=7, foreign=before) == {}


def test_members_of_a_canary_that_write_on_the_new_side_by_declaration_are_nobody_foreign() -> None:
    back = replace(BACK, mode="watch", foreign_writes=3)
    assert told(WELL, back, state=6, foreign=LAST) == {"foreign writes old new": "critical"}
    assert told(WELL, back, state=6, foreign=LAST, given=config('writes = "cohort"')) == {}


def test_metrics_tell_each_flow_that_a_unit_needs() -> None:
    units = {"orders": StoredUnit("orders", UnitValues(7), NOW)}
    assert ailing(SeenFlows((WELL,)), config(), units, NOW) == {
        ("old", "forward"): False,
        ("old", "reverse"): True,
    }

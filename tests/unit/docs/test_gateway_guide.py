"""The guide of the gateway is the gateway: commands, settings, refusals, limits, metrics, and where bad input is tested."""

import io
import json
import re
from dataclasses import fields
from types import SimpleNamespace

from prometheus_client.metrics import MetricWrapperBase

from caravan.core.settings import Settings, variable_name
from caravan.entry.commands import gateway as commands
from caravan.migration.gateway import measurements, refusals
from caravan.migration.gateway.access_log import AccessLog
from caravan.migration.gateway.admin import AdminPort
from caravan.migration.gateway.limits import Limits
from tests.unit.docs.markdown import ROOT, section, table
from tests.unit.docs.test_settings_guide import written

GUIDE = (ROOT / "docs/guide/gateway.md").read_text(encoding="utf-8")


def test_every_command_is_told() -> None:
    told = " ".join(row["command"] for row in table(GUIDE, "command", "does"))
    for command in commands.app.registered_commands:
        assert f"caravan gateway {command.name}" in told or command.name == "run"


def test_every_setting_stands_there_with_its_default() -> None:
    rows = table(section(GUIDE, "What it is told"), "variable", "default", "what it sets")
    assert {row["variable"]: row["default"] for row in rows} == {
        f"`{variable_name(name)}`": written(field.default)
        for name, field in Settings.model_fields.items()
        if name.startswith("gateway_")
    }


def test_every_refusal_is_told_with_status_meaning_and_what_to_do() -> None:
    known = [one for one in vars(refusals).values() if isinstance(one, type)]
    own = [one for one in known if issubclass(one, refusals.Refusal) and one is not refusals.Refusal]
    rows = table(GUIDE, "status", "code", "means", "what to do")
    assert [tuple(row.values()) for row in rows] == [
        (str(one.status), f"`{one.code}`", one.title, one.fix)
        for one in sorted(own, key=lambda one: (one.status, one.code))
    ]


def test_every_limit_stands_there_with_its_default() -> None:
    rows = table(GUIDE, "limit", "default", "of")
    assert [(row["limit"], row["default"]) for row in rows] == [
        (
            f"`{limit.name}`",
            f"{limit.default:,}" if isinstance(limit.default, int) else f"{limit.default:g} s",
        )
        for limit in fields(Limits)
    ]


def test_metrics_and_events_are_those_that_are_counted() -> None:
    found = {
        sample.name
        for one in vars(measurements).values()
        if isinstance(one, MetricWrapperBase)
        for metric in one.describe()
        for sample in [SimpleNamespace(name=metric.name + ("_total" if metric.type == "counter" else ""))]
    }
    assert {row["metric"].strip("`") for row in table(GUIDE, "metric", "is")} == found
    events = [row["event"].strip("`") for row in table(GUIDE, "event", "counts")]
    assert sorted(events) == sorted(measurements.Counts.__slots__)


def test_a_line_of_the_access_log_has_the_keys_that_are_shown() -> None:
    head = SimpleNamespace(method=b"GET", path=b"/orders/7")
    flight = SimpleNamespace(
        head=head,
        decision=SimpleNamespace(route="GET /orders/{id}", member=True),
        client=SimpleNamespace(forwarded=SimpleNamespace(client=lambda _head: b"203.0.113.5")),
        request_id=b"019c",
        status=200,
        side="new",
        sent_bytes=512,
        fell_back=True,
        refused="gateway.side_unreachable",
    )
    lines = io.BytesIO()
    log = AccessLog(1.0, lines)
    log.note(flight, 0.00213)  # type: ignore[arg-type]  # all that the log looks at
    log.flush()
    shown = re.search(r"```json\n(.*?)\n```", section(GUIDE, "What it writes down"), re.DOTALL)
    assert shown is not None
    assert json.loads(shown[1]).keys() == json.loads(lines.getvalue()).keys()


def test_the_port_for_operators_answers_what_is_told() -> None:
    port = AdminPort(lambda: {"status": "ready"}, lambda: None)
    for row in table(GUIDE, "path", "answers"):
        answer = port._answer(b"GET %b HTTP/1.1\r\n\r\n" % row["path"].strip("`").encode())
        assert answer.startswith(b"HTTP/1.1 200 ")


def test_each_case_of_bad_input_has_its_test() -> None:
    rows = table(GUIDE, "case", "what happens", "test")
    assert len(rows) > 20
    for row in rows:
        file, _, name = row["test"].strip("`").partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), row

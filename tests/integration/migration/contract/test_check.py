"""A contract is checked against a running server: every breach is named with its place and sample."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from caravan.migration.contract import SideUnreachable, evidence_path, read_contract, read_samples
from caravan.migration.contract.checking import Asked, CheckReport, cases_of, check, http_asker, junit_xml
from caravan.migration.contract.matrix import parity_matrix
from tools.free_ports import free_port

Answers = Callable[[str, str, bytes], tuple[int, Any]]
Serving = Callable[[Answers], Any]


def checked(file: Path, url: str, *, closed: bool = False, **options: Any) -> CheckReport:  # noqa: ANN401 - as cases_of takes them
    contract = read_contract(file)
    cases = cases_of(contract, read_samples(evidence_path(file)), **options)
    with http_asker(url) as ask:
        return check(contract, cases, ask, side=url, closed=closed)


def changed(answers: Answers, change: Callable[[str, int, Any], tuple[int, Any]]) -> Answers:
    def answer(method: str, target: str, body: bytes) -> tuple[int, Any]:
        return change(target, *answers(method, target, body))

    return answer


def test_the_server_it_was_learnt_from_keeps_it(
    contract_file: Path, serving: Serving, answers: Answers
) -> None:
    with serving(answers) as url:
        report = checked(contract_file, url)
    assert report.exit_code == 0, list(map(str, (m for r in report.results for m in r.messages())))
    assert report.counts == {"passed": 8, "failed": 0, "skipped": 1}


def test_routes_that_write_are_asked_only_when_told(
    contract_file: Path, serving: Serving, answers: Answers
) -> None:
    asked: list[str] = []

    def noting(method: str, target: str, body: bytes) -> tuple[int, Any]:
        asked.append(method)
        return answers(method, target, body)

    with serving(noting) as url:
        checked(contract_file, url)
        assert "POST" not in asked
        report = checked(contract_file, url, writes=True, routes=["POST *"])
    assert asked[-1] == "POST"
    assert report.counts == {"passed": 1, "failed": 0, "skipped": 0}


BREACHES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "type": (lambda item: {**item, "id": str(item["id"])}, "$.id: expected integer"),
    "one is not one point nothing": (
        lambda item: {**item, "id": float(item["id"])},
        "$.id: expected an integer, written",
    ),
    "missing": (lambda item: {"id": item["id"], "note": "x"}, "$.price: expected to be there, seen nothing"),
    "shape": (lambda item: {**item, "price": "cheap"}, "$.price: expected text like"),
    "null": (lambda item: {**item, "price": None}, "$.price: expected string, seen null"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_named_with_route_status_place_and_sample(
    contract_file: Path, serving: Serving, answers: Answers, breach: str
) -> None:
    change, said = BREACHES[breach]
    with serving(
        changed(answers, lambda _, status, value: (status, change(value) if "price" in value else value))
    ) as url:
        report = checked(contract_file, url, routes=["GET /items/*"])
    assert report.exit_code == 1
    first = next(message for result in report.results for message in result.messages())
    assert first.startswith(f"GET /items/{{item_id}} 200: {said}")
    assert "(sample 1: /items/" in first


def test_another_status_type_or_header_is_a_breach(
    contract_file: Path, serving: Serving, answers: Answers
) -> None:
    with serving(changed(answers, lambda _, status, value: (200 if status == 404 else status, value))) as url:
        report = checked(contract_file, url)
        assert [str(p) for r in report.results for p in r.problems] == ["status: expected 404, seen 200"]
    with serving(changed(answers, lambda _, status, _value: (status, b"<p>"))) as url:
        problems = {str(p) for r in checked(contract_file, url).results for p in r.problems}
        assert problems == {"header content-type: expected application/json, seen text/html"}


def test_a_closed_set_names_its_values(contract_file: Path, serving: Serving, answers: Answers) -> None:
    def third(_target: str, status: int, value: dict[str, Any]) -> tuple[int, Any]:
        return status, {"items": [{"id": 1, "kind": "c"}]} if "items" in value else value

    with serving(changed(answers, third)) as url:
        report = checked(contract_file, url)
    assert {str(p) for r in report.results for p in r.problems} == {
        '$.items[0].kind: expected one of "a", "b", seen "c"'
    }


def test_keys_nobody_knows_are_breaches_only_when_strict(
    contract_file: Path, serving: Serving, answers: Answers
) -> None:
    with serving(changed(answers, lambda _, status, value: (status, {**value, "extra": 1}))) as url:
        assert checked(contract_file, url).exit_code == 0
        report = checked(contract_file, url, closed=True)
    assert "$: expected no keys but the known, seen also extra" in {
        str(p) for r in report.results for p in r.problems
    }


def test_reports_for_machines_say_the_same(contract_file: Path, serving: Serving, answers: Answers) -> None:
    with serving(changed(answers, lambda _, status, value: (500 if status == 404 else status, value))) as url:
        report = checked(contract_file, url)
    told = json.loads(report.to_json())
    assert told["counts"] == {"passed": 7, "failed": 1, "skipped": 1}
    suite = ET.fromstring(junit_xml(report))[0]  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("9", "1", "1")
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "status: expected 404, seen 500"
    assert "sample 1: /items/77" in (failure.text or "")


def test_where_nobody_listens_nothing_was_compared(contract_file: Path) -> None:
    with pytest.raises(SideUnreachable):
        checked(contract_file, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SideUnreachable, match="no http address"):
        checked(contract_file, "ftp://x")


def test_the_matrix_shows_both_sides(contract_file: Path, serving: Serving, answers: Answers) -> None:
    with (
        serving(answers) as old,
        serving(changed(answers, lambda _, s, v: (500 if s == 404 else s, v))) as new,
    ):
        page = parity_matrix(
            read_contract(contract_file),
            {"old": checked(contract_file, old), "new": checked(contract_file, new)},
        )
    assert "| `GET /items/{item_id}` | read | 200 | ✓ 3 | ✓ 3 |" in page
    assert (
        "| `GET /items/{item_id}` | read | 404 | ✓ 1 | ✗ status: expected 404, seen 500 (1 of 1 samples) |"
        in page
    )
    assert "| `POST /items` | write | 201 | - a route that writes" in page
    assert "3 of 5 route and status pairs" in page


def test_targets_go_byte_for_byte(serving: Serving) -> None:
    seen: list[str] = []

    def noting(_method: str, target: str, _body: bytes) -> tuple[int, Any]:
        seen.append(target)
        return 200, {}

    targets = ["//a%2Fb%2f?x=%7e|", "/a/../b", "/a?x=1?y=2", "/a;b=c/'\"<>{}", "/"]
    with serving(noting) as url, http_asker(f"{url}/base/") as ask:
        assert {ask(Asked("GET", target)).status for target in [*targets, "/caf\xe9 x"]} == {200}
    assert seen == [*(f"/base{target}" for target in targets), "/base/caf%E9%20x"]


def test_a_redirect_is_an_answer_and_is_not_followed(serving: Serving) -> None:
    with (
        serving(lambda _method, target, _body: (302 if target == "/a" else 200, {})) as url,
        http_asker(url) as ask,
    ):
        assert ask(Asked("GET", "/a")).status == 302

"""Made-up requests find where the sides part, shrunk to the least request; faults of either side are found."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from caravan.migration.contract import evidence_path, read_contract, read_samples
from caravan.migration.contract.checking import http_asker
from caravan.migration.contract.matrix import parity_matrix
from caravan.migration.contract.probing import Judge, ProbeLimits, ProbeReport, probe
from caravan.migration.exchange import Answer

Answers = Callable[[str, str, bytes], tuple[int, Any]]
Serving = Callable[[Answers], Any]


def probed(file: Path, old: str, new: str, judge: Judge | None = None, **limits: Any) -> ProbeReport:  # noqa: ANN401 - as ProbeLimits takes them
    contract, samples = read_contract(file), read_samples(evidence_path(file))
    with http_asker(old) as ask_old, http_asker(new) as ask_new:
        return probe(
            contract, samples, ask_old, ask_new, judge=judge, limits=ProbeLimits(**{"examples": 25, **limits})
        )


def test_sides_that_agree_have_no_finding_and_the_same_seed_asks_the_same(
    contract_file: Path, serving: Serving, answers: Answers
) -> None:
    asked: list[str] = []

    def noting(method: str, target: str, body: bytes) -> tuple[int, Any]:
        asked.append(f"{method} {target}")
        return answers(method, target, body)

    with serving(answers) as old, serving(noting) as new:
        report = probed(contract_file, old, new, examples=10)
        first = list(asked)
        probed(contract_file, old, new, examples=10)
    assert report.exit_code == 0, list(report.messages())
    assert {line.partition(" ")[0] for line in asked} == {"GET"}
    assert len(first) == sum(line.asked for line in report.routes) > 10
    assert asked == first * 2
    assert report.skipped == ("POST /items",)


def test_a_difference_is_shrunk_to_the_least_request(
    contract_file: Path, serving: Serving, answers: Answers
) -> None:
    def other(method: str, target: str, body: bytes) -> tuple[int, Any]:
        status, value = answers(method, target, body)
        number = target.removeprefix("/items/")
        return (410, value) if number.isdigit() and int(number) > 60 else (status, value)

    with serving(answers) as old, serving(other) as new:
        report = probed(contract_file, old, new, routes=["GET /items/*"])
    finding = report.routes[0].finding
    assert finding is not None
    assert finding.asked.target == "/items/61"
    assert finding.problems == ("status 404 on the old side, 410 on the new",)
    assert report.exit_code == 1


def test_a_fault_of_both_sides_is_a_finding_too(
    contract_file: Path, serving: Serving, answers: Answers
) -> None:
    def faulty(method: str, target: str, body: bytes) -> tuple[int, Any]:
        return (500, {"error": "boom"}) if "limit=-" in target else answers(method, target, body)

    with serving(faulty) as old, serving(faulty) as new:
        report = probed(contract_file, old, new, routes=["GET /items"], examples=200)
    finding = report.routes[0].finding
    assert finding is not None
    assert finding.problems == ("the old side answered 500", "the new side answered 500")
    page = parity_matrix(read_contract(contract_file), {}, report)
    assert "| 500 | 500 | `GET /items?limit=-" in page


def test_a_value_of_another_type_breaks_the_contract(
    contract_file: Path, serving: Serving, answers: Answers
) -> None:
    def other(method: str, target: str, body: bytes) -> tuple[int, Any]:
        status, value = answers(method, target, body)
        return status, {**value, "id": str(value["id"])} if "price" in value else value

    with serving(answers) as old, serving(other) as new:
        report = probed(contract_file, old, new, routes=["GET /items/*"])
    assert any(
        "the new side breaks the contract: $.id: expected integer" in message for message in report.messages()
    )


def test_another_judge_may_decide(contract_file: Path, serving: Serving, answers: Answers) -> None:
    def never(route: str, _old: Answer, _new: Answer) -> Iterator[str]:
        yield f"no {route}"

    with serving(answers) as url:
        report = probed(contract_file, url, url, never, routes=["GET /items"])
    assert next(report.messages()).startswith("GET /items: no GET /items (GET /items")


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_time_bounds_it(contract_file: Path, serving: Serving, answers: Answers, seconds: float) -> None:
    with serving(answers) as url:
        began = time.monotonic()
        report = probed(contract_file, url, url, seconds=seconds, examples=100_000)
    assert time.monotonic() - began < 60
    assert all(line.stopped for line in report.routes)
    assert report.exit_code == (0 if any(line.asked for line in report.routes) else 2)
    assert seconds or report.exit_code == 2

"""Replays the samples of a contract against one server; only routes that read, unless told otherwise."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, TypeAlias

import orjson

from caravan.migration.contract.checking.answers import AnswerChecker
from caravan.migration.contract.checking.asking import Ask, Asked
from caravan.migration.contract.evidence_file import RouteSamples
from caravan.migration.contract.model import Contract
from caravan.migration.contract.samples import Sample
from caravan.migration.contract.validation import Problem
from caravan.migration.exchange import Answer

__all__ = ["Case", "CheckReport", "CheckResult", "cases_of", "check", "run_case"]

Outcome: TypeAlias = Literal["passed", "failed", "skipped"]
_PER_STATUS: Final = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One sample of a route and status. ``skip`` says why it is not asked."""

    route: str
    status: int
    number: int
    sample: Sample | None
    skip: str = ""

    @property
    def name(self) -> str:
        return (
            f"{self.route} {self.status} sample {self.number}"
            if self.number
            else f"{self.route} {self.status}"
        )


@dataclass(frozen=True, slots=True)
class CheckResult:
    """``target`` is what was asked; ``seen`` the status that came, 0 for none."""

    case: Case
    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    target: str = ""
    seen: int = 0
    seconds: float = 0.0

    def messages(self) -> Iterator[str]:
        """Yield one line per problem: route, status, place, expected and seen, sample."""
        for problem in self.problems:
            yield f"{self.case.route} {self.case.status}: {problem} (sample {self.case.number}: {self.target})"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What came of all cases at one server."""

    contract: str
    side: str
    results: tuple[CheckResult, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(
            {"passed": 0, "failed": 0, "skipped": 0} | Counter(result.outcome for result in self.results)
        )

    @property
    def exit_code(self) -> int:
        """0: all that was asked passed; 1: something differs; 2: nothing could be asked."""
        if self.counts["failed"]:
            return 1
        return 0 if self.counts["passed"] else 2

    def to_json(self) -> str:
        """Return the report for machines."""
        results: list[dict[str, Any]] = [
            {
                "route": result.case.route,
                "status": result.case.status,
                "sample": result.case.number,
                "outcome": result.outcome,
                "reason": result.case.skip,
                "target": result.target,
                "seen": result.seen,
                "seconds": round(result.seconds, 6),
                "problems": [
                    {"path": problem.path, "expected": problem.expected, "seen": problem.seen}
                    for problem in result.problems
                ],
            }
            for result in self.results
        ]
        whole = {
            "contract": self.contract,
            "side": self.side,
            "counts": dict(self.counts),
            "results": results,
        }
        return orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode()


def cases_of(
    contract: Contract,
    samples: Mapping[str, RouteSamples],
    *,
    writes: bool = False,
    routes: Sequence[str] = (),
    per_status: int = _PER_STATUS,
) -> list[Case]:
    """Return what is to be asked, in the order of the contract; ``routes`` are patterns such as ``GET /orders*``."""
    chosen = [
        key for key in contract.routes if not routes or any(fnmatchcase(key, pattern) for pattern in routes)
    ]
    return [
        case
        for key in chosen
        for status in contract.routes[key].answers
        for case in _cases(
            contract, key, status, samples.get(key, RouteSamples()), writes=writes, most=per_status
        )
    ]


def _cases(
    contract: Contract, key: str, status: int, samples: RouteSamples, *, writes: bool, most: int
) -> Iterator[Case]:
    if contract.routes[key].effect == "write" and not writes:
        yield Case(key, status, 0, None, "a route that writes; --writes asks it too")
        return
    known = samples.by_status.get(status, ())
    whole = [(number, sample) for number, sample in enumerate(known, 1) if not sample.redacted]
    if not whole:
        reason = "every sample holds redacted values" if known else "no sample was recorded"
        yield Case(key, status, 0, None, reason)
    yield from (Case(key, status, number, sample) for number, sample in whole[:most])


def run_case(case: Case, checker: AnswerChecker, ask: Ask) -> CheckResult:
    """Ask and compare."""
    if case.sample is None:
        return CheckResult(case, "skipped")
    sample = case.sample
    answer: Answer = ask(Asked(sample.method, sample.target, sample.headers, sample.body or b""))
    problems = tuple(checker.problems(case.route, answer, status=case.status))
    return CheckResult(
        case, "failed" if problems else "passed", problems, sample.target, answer.status, answer.seconds
    )


def check(
    contract: Contract,
    cases: Sequence[Case],
    ask: Ask,
    *,
    side: str,
    closed: bool = False,
    tell: Callable[[CheckResult], object] = lambda _: None,
) -> CheckReport:
    """Ask all cases, one after another; ``closed`` reports unknown keys, ``tell`` is called after each.

    Raises:
        SideUnreachable: nobody listens at the server.
    """
    checker = AnswerChecker(contract, closed=closed)
    results = []
    for case in cases:
        result = run_case(case, checker, ask)
        results.append(result)
        tell(result)
    return CheckReport(contract.name, side, tuple(results))

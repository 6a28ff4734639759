"""What is wrong with a pair of answers: status, media type, schema, and faults of either side."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from caravan.migration.contract.checking.answers import AnswerChecker
from caravan.migration.contract.model import Contract
from caravan.migration.exchange import Answer, first_header

__all__ = ["Judge", "contract_judge"]

Judge: TypeAlias = Callable[[str, Answer, Answer], Iterable[str]]
"""Takes the route's key, the old side's answer and the new one's; yields what is wrong, nothing when they agree."""

_FAULT: Final = 500


def contract_judge(contract: Contract) -> Judge:
    """Return the judge that needs nothing but the contract."""
    checker = AnswerChecker(contract)

    def judge(route: str, old: Answer, new: Answer) -> Iterator[str]:
        for side, answer in (("old", old), ("new", new)):
            if answer.failure is not None:
                yield f"the {side} side gave no answer: {answer.failure}"
            elif answer.status >= _FAULT:
                yield f"the {side} side answered {answer.status}"
        if old.failure is not None or new.failure is not None:
            return
        if old.status != new.status:
            yield f"status {old.status} on the old side, {new.status} on the new"
            return
        if _type(old) != _type(new):
            yield f"content type {_type(old) or 'none'} on the old side, {_type(new) or 'none'} on the new"
        if new.status in contract.routes[route].answers and not checker.problems(route, old):
            yield from (
                f"the new side breaks the contract: {problem}" for problem in checker.problems(route, new)
            )

    return judge


def _type(answer: Answer) -> str:
    return (first_header(answer.headers, "content-type") or "").partition(";")[0].strip().lower()

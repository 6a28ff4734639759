"""pytest: one test per route and status of a contract, against one server. Off unless both options are given.

pytest --caravan-contract contract.toml --caravan-url http://127.0.0.1:8000
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from caravan.migration.contract.checking import AnswerChecker, Ask, Case

__all__ = ["ContractItem", "pytest_addoption", "pytest_collection_modifyitems"]

_STACK: Final = pytest.StashKey[ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("caravan", "contracts of a migration")
    group.addoption(
        "--caravan-contract", metavar="FILE", help="contract file; adds one test per route and status"
    )
    group.addoption("--caravan-url", metavar="URL", help="base URL of the server to check")
    group.addoption(
        "--caravan-header",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        help="sent with each request",
    )
    group.addoption(
        "--caravan-route", metavar="PATTERN", action="append", default=[], help="only routes like 'GET /a*'"
    )
    group.addoption("--caravan-writes", action="store_true", help="ask routes that write, too")
    group.addoption(
        "--caravan-strict", action="store_true", help="fail on keys that the contract does not know"
    )


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put the contract's tests behind the others."""
    file, url = config.getoption("--caravan-contract"), config.getoption("--caravan-url")
    if not file and not url:
        return
    if not file or not url:
        raise pytest.UsageError("--caravan-contract and --caravan-url belong together")
    items.extend(_items(session, config, Path(file), url))


def _items(session: pytest.Session, config: pytest.Config, file: Path, url: str) -> Iterator["ContractItem"]:
    from caravan.core.errors import CaravanError  # noqa: PLC0415 - costs nothing while the plug-in is off
    from caravan.migration.contract import ensure_unchanged, evidence_path, read_contract, read_samples  # noqa: PLC0415
    from caravan.migration.contract.checking import AnswerChecker, cases_of, http_asker  # noqa: PLC0415
    from caravan.migration.contract.header_options import headers_of  # noqa: PLC0415

    try:
        contract = read_contract(file)
        ensure_unchanged(contract)
        samples, headers = read_samples(evidence_path(file)), headers_of(config.getoption("--caravan-header"))
    except CaravanError as error:
        raise pytest.UsageError(error.message) from None
    stack = config.stash.setdefault(_STACK, ExitStack())
    config.add_cleanup(stack.close)
    ask = stack.enter_context(http_asker(url, headers=headers))
    checker = AnswerChecker(contract, closed=config.getoption("--caravan-strict"))
    cases = cases_of(
        contract,
        samples,
        writes=config.getoption("--caravan-writes"),
        routes=config.getoption("--caravan-route"),
    )
    for (route, status), group in groupby(cases, key=lambda case: (case.route, case.status)):
        yield ContractItem.from_parent(
            session, name=f"{file.name}::{route} {status}", cases=list(group), checker=checker, ask=ask
        )


class ContractItem(pytest.Item):
    """One route and status; all its samples have to pass."""

    def __init__(self, *, cases: "list[Case]", checker: "AnswerChecker", ask: "Ask", **rest: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**rest)
        self._cases, self._checker, self._ask = cases, checker, ask

    def runtest(self) -> None:
        """Ask every sample and fail with all problems together."""
        from caravan.migration.contract.checking import run_case  # noqa: PLC0415 - as above

        results = [run_case(case, self._checker, self._ask) for case in self._cases]
        if all(result.outcome == "skipped" for result in results):
            pytest.skip(self._cases[0].skip)
        messages = [message for result in results for message in result.messages()]
        if messages:
            pytest.fail("\n".join(messages), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the test stands, for the report."""
        return self.path, None, self.name

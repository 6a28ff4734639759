"""One plain gateway per module, before one side; tests that need another make their own."""

from collections.abc import Iterator

import pytest

from caravan.migration.gateway.plan import RoutePlan
from tests.integration.migration.gateway.running import RunningGateway, Side, gateway, say_ok, side


@pytest.fixture(scope="module")
def _old() -> Iterator[Side]:
    with side() as running:
        yield running


@pytest.fixture(scope="module")
def _proxy(_old: Side) -> Iterator[RunningGateway]:
    with gateway(_old) as running:
        yield running


@pytest.fixture
def old(_old: Side) -> Side:
    """The old side, its script and its memory fresh."""
    _old.script = say_ok
    _old.requests.clear()
    _old.heads.clear()
    _old.aborted.clear()
    return _old


@pytest.fixture
def proxy(_proxy: RunningGateway, old: Side) -> RunningGateway:
    """The gateway before the old side, with an empty table."""
    _proxy.use(RoutePlan())
    return _proxy

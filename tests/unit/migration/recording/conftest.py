from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from caravan.core.ids import uuid7
from caravan.migration.exchange import Answer, Body, Exchange, Request
from caravan.migration.recording import Recording

BEGAN = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
Made: TypeAlias = Callable[..., Exchange]


def _made(  # noqa: PLR0913 - all that an exchange is made of
    target: str = "/items/1",
    *,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    status: int = 200,
    answer: bytes = b"{}",
    kind: str = "application/json",
    more: tuple[tuple[str, str], ...] = (),
    after: float = 0.0,
    **others: Any,  # noqa: ANN401 - as Exchange takes them
) -> Exchange:
    return Exchange(
        uuid7(),
        BEGAN + timedelta(seconds=after),
        Request(method, target, headers, Body.of(body)),
        Answer(status, (("Content-Type", kind), *more), Body.of(answer), 0.25),
        **others,
    )


@pytest.fixture
def made() -> Made:
    """An exchange of these parts; ``after`` seconds."""
    return _made


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path / "recording")

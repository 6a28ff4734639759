"""Before a dry run begins: its body is read whole and bounded, its target is the one that was received."""

from datetime import UTC, datetime
from typing import cast

import pytest
from starlette.types import Message, Receive, Scope

from caravan.core.database import Database
from caravan.core.database.dry_run import DryRunNotRunError
from caravan.core.http import dry_runs
from caravan.core.http.dry_runs import DRY_RUNS_OFF, DryRunOffError, DryRuns, DryRunUsedError
from caravan.core.http.errors import BodyTooLargeError
from caravan.core.protocols import SignedRequest
from caravan.core.settings import Settings, SettingsError, load_settings
from caravan.entry.dry_runs import dry_runs as configured
from caravan.entry.dry_runs import never_dry

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCOPE: Scope = {
    "type": "http",
    "path": "/a b",
    "raw_path": b"/a%20b",
    "query_string": b"x=%2F",
    "headers": [],
}
DATABASE = cast("Database", object())


class Believing:
    """Takes any signature, and keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[SignedRequest] = []

    def verify(self, request: SignedRequest, now: datetime) -> str:
        assert now == NOW
        self.seen.append(request)
        return str(len(self.seen))


def receiving(*parts: bytes) -> Receive:
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


@pytest.fixture
def believing(monkeypatch: pytest.MonkeyPatch) -> Believing:
    used: set[str] = set()

    async def is_first_use(_database: Database, nonce: str) -> bool:
        fresh = nonce not in used
        used.add(nonce)
        return fresh

    monkeypatch.setattr(dry_runs, "is_first_use", is_first_use)
    return Believing()


def runs(believing: Believing, **changes: object) -> DryRuns:
    return DryRuns(believing, DATABASE, clock=lambda: NOW, **changes)  # type: ignore[arg-type]  # by name


async def test_the_signature_is_over_what_was_received(believing: Believing) -> None:
    handed = await runs(believing).accepted(SCOPE, receiving(b"ab", b"c"), "POST")
    assert believing.seen == [SignedRequest("POST", "/a%20b?x=%2F", (), b"abc")]
    assert (await handed())["body"] == b"abc"
    assert (await handed())["type"] == "http.disconnect"


async def test_a_body_in_pieces_is_bounded(believing: Believing) -> None:
    with pytest.raises(BodyTooLargeError):
        await runs(believing, max_body=2).accepted(SCOPE, receiving(b"ab", b"c"), "POST")
    with pytest.raises(ConnectionError):
        await runs(believing).accepted(SCOPE, receiving(), "POST")
    assert believing.seen == []


async def test_a_nonce_is_good_once(believing: Believing) -> None:
    await runs(believing).accepted(SCOPE, receiving(b""), "POST")
    believing.seen.clear()
    with pytest.raises(DryRunUsedError):
        await runs(believing).accepted(SCOPE, receiving(b""), "POST")


async def test_what_can_never_be_undone_is_not_run(believing: Believing) -> None:
    with pytest.raises(DryRunNotRunError, match="starts a program"):
        await runs(believing, never=lambda _method, _path: "it starts a program").accepted(
            SCOPE, receiving(b""), "POST"
        )


async def test_dry_runs_are_off_without_a_secret() -> None:
    assert configured(Settings(environment="test"), DATABASE) is DRY_RUNS_OFF
    with pytest.raises(DryRunOffError):
        await DRY_RUNS_OFF.accepted(SCOPE, receiving(b""), "POST")


async def test_a_short_secret_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARAVAN_DRY_RUN_SECRET", "hunter2")
    with pytest.raises(SettingsError, match="CARAVAN_DRY_RUN_SECRET") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("method", "path", "never"),
    [
        ("POST", "/api/v1/auth/login", True),
        ("DELETE", "/deduper/clear-db-table", True),
        ("GET", "/console", True),
        ("POST", "/console/login", True),
        ("POST", "/api/v1/clients", False),
        ("GET", "/consoles", False),
    ],
)
async def test_what_is_never_run_dry(method: str, path: str, never: bool) -> None:
    assert (never_dry(method, path) is not None) is never

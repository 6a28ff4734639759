"""A log-in between its steps: only we can read it, and not for long."""

import time
from pathlib import Path

import pytest

from caravan.admin.accounts import Tokens
from caravan.admin.pending import Pending, PendingSeal
from caravan.core.secrets_box import Box

PENDING = Pending("ahmad@example.com", "a password", "/console/orders")


@pytest.fixture
def seal(tmp_path: Path) -> PendingSeal:
    return PendingSeal(Box(tmp_path / "console.key"))


def test_what_was_sealed_comes_back_and_cannot_be_read(seal: PendingSeal) -> None:
    sealed = seal.seal(PENDING)
    assert "password" not in sealed
    assert seal.open(sealed) == PENDING


def test_tokens_are_sealed_with_it(seal: PendingSeal) -> None:
    waiting = Pending("a", "b", "/console", Tokens("access", 900, "refresh", 3600, must_change_password=True))
    assert seal.open(seal.seal(waiting)) == waiting


@pytest.mark.parametrize("sealed", [None, "", "nonsense", "AAAA", "é", "AQ" * 60])
def test_what_we_did_not_seal_is_nothing(seal: PendingSeal, sealed: str | None) -> None:
    assert seal.open(sealed) is None


def test_another_installation_cannot_open_it(seal: PendingSeal, tmp_path: Path) -> None:
    assert PendingSeal(Box(tmp_path / "other.key")).open(seal.seal(PENDING)) is None


def test_after_five_minutes_it_is_nothing(seal: PendingSeal, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal.seal(PENDING)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)
    assert seal.open(sealed) is None

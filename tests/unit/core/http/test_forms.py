"""Tokens of forms."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from caravan.core.http.forms import FormTokens


def test_a_token_is_good_for_its_session_alone() -> None:
    tokens = FormTokens(b"k" * 32)
    token = tokens.token("session:1")
    assert tokens.holds(token, "session:1")
    assert not tokens.holds(token, "session:2")
    assert not tokens.holds("", "session:1")
    assert not tokens.holds("\u0663" * 64, "session:1")
    assert not FormTokens(b"o" * 32).holds(token, "session:1")


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = FormTokens.kept_in(folder)
    second = FormTokens.kept_in(folder)
    assert first.token("a") == second.token("a")
    [key] = folder.iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32


def test_processes_that_make_the_key_together_hold_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(FormTokens.kept_in, [tmp_path] * 4))
    assert len({one.token("a") for one in made}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["forms.key"]

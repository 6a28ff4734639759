"""Each rule of the house finds its bad sample and lets its good one pass."""

from pathlib import Path

import pytest

from tools.lint import RULES, check_source, main

FEATURE = "src/caravan/commerce/orders/place.py"

SAMPLES = [
    (
        "H001",
        "async def f(session):\n    await session.commit()\n",
        "async def f(session):\n    await session.flush()\n",
    ),
    ("H002", "W = Depends(write_session)\n", 'W = Depends(write_session, scope="function")\n'),
    (
        "H003",
        "q = select(Order).where(Order.org_id == org)\n",
        "q = select(Order).where(Order.id == order)\n",
    ),
    ("H004", "def f(total_amount: float): ...\n", "def f(total_amount: Decimal): ...\n"),
    ("H004", "x = float(order.total_amount)\n", "x = float(seconds)\n"),
    ("H005", "@app.task\nasync def f(): ...\n", "@app.task\ndef f(): ...\n"),
    ("H006", "for r in app.routes: ...\n", "for r in route_rules(routers): ...\n"),
    ("H007", "q = text(f'SELECT {name}')\n", "q = text('SELECT :name')\n"),
    ("H007", "q = text(f'SELECT {name}')\n", "q = text(f'SELECT 1 FROM {_TABLE}')\n"),
    ("H008", "ok = request.url.path == '/admin'\n", "ok = request.scope['path'] == '/admin'\n"),
    ("H009", "def f(tasks: BackgroundTasks): ...\n", "def f(session): ...\n"),
]


@pytest.mark.parametrize(("code", "bad", "good"), SAMPLES)
def test_a_rule_finds_the_bad_sample_and_lets_the_good_one_pass(code: str, bad: str, good: str) -> None:
    assert [breach.code for breach in check_source(bad, FEATURE)] == [code]
    assert list(check_source(good, FEATURE)) == []


def test_every_rule_has_a_sample() -> None:
    assert {code for code, _, _ in SAMPLES} | {"H010"} == set(RULES)


def test_a_file_may_not_be_a_grab_bag() -> None:
    assert [breach.code for breach in check_source("", "src/caravan/commerce/utils.py")] == ["H010"]


def test_only_the_ground_floor_and_the_engine_commit() -> None:
    assert list(check_source("session.commit()\n", "src/caravan/core/database/sessions.py")) == []
    assert list(check_source("connection.commit()\n", "src/caravan/migration/load/chunks.py")) == []


def test_tenants_may_be_compared_where_they_are_decided() -> None:
    source = "q = select(Membership).where(Membership.org_id == org)\n"
    assert list(check_source(source, "src/caravan/platform/identity/log_in.py")) == []


def test_an_exception_needs_its_reason_on_the_line() -> None:
    reasoned = "session.commit()  # house: allow(H001) because this is the relay's own transaction\n"
    bare = "session.commit()  # house: allow(H001)\n"
    other = "session.commit()  # house: allow(H004) because of something else\n"
    assert list(check_source(reasoned, FEATURE)) == []
    assert len(list(check_source(bare, FEATURE))) == 1
    assert len(list(check_source(other, FEATURE))) == 1


def test_the_command_prints_breaches_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "helpers.py").write_text("for r in app.routes: ...\n")
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "helpers.py:1: H006" in printed
    assert "helpers.py:1: H010" in printed
    (tmp_path / "helpers.py").rename(tmp_path / "routes.py")
    (tmp_path / "routes.py").write_text("")
    assert main([str(tmp_path / "routes.py")]) == 0

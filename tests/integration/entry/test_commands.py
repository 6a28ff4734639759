"""The small commands: what they print and end with."""

import asyncio
import json
import re
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.errors import registered
from caravan.core.principal import Principal, PrincipalKind
from caravan.core.settings import Settings
from caravan.entry import failures
from caravan.migration.load.fault_classes import fault_classes
from caravan.platform.audit import AuditKey, CheckpointFile, Sealer, record
from tests.fixtures.databases import as_administrator
from tests.integration.entry.conftest import Caravan


def test_the_version_and_the_one_list_of_commands(caravan: Caravan) -> None:
    assert caravan("--version").out.startswith("caravan ")
    listed = caravan("--help").out
    for command in (
        "up",
        "api",
        "worker",
        "load",
        "verify",
        "db",
        "user",
        "audit",
        "status",
        "doctor",
        "explain",
    ):
        assert re.search(rf"^\W*{command}\b", listed, re.MULTILINE), command
    unknown = caravan("loud")
    assert (unknown.code, "loud" in unknown.err) == (2, True)


def test_every_code_is_explained_with_what_to_do(caravan: Caravan) -> None:
    listed = caravan("explain")
    codes = [error.code for error in registered()] + [one.name for one in fault_classes()]
    assert [line.split()[0] for line in listed.out.splitlines()] == codes
    for error in registered():
        assert error.title, error
        assert error.fix, error
    told = caravan("explain", "port_taken")
    assert (told.code, "What to do: Stop the other program" in told.out) == (0, True)


def test_a_class_of_a_load_is_explained_with_where_it_comes_from(caravan: Caravan) -> None:
    told = caravan("explain", "amount.not_a_number")
    assert (told.code, "HTTP status: 422" in told.out) == (0, True)  # it is the code of an error too
    for part in ("Found: NaN, infinity", "Where it comes from: money", "What to do: Correct the amount"):
        assert part in told.out


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("port_take", "Did you mean port_taken"),
        ("key.repeatd", "Did you mean key.repeated"),
        ("zzz", "lists all codes"),
    ],
)
def test_an_unknown_code_gets_a_hint(caravan: Caravan, code: str, hint: str) -> None:
    done = caravan("explain", code)
    assert (done.code, hint in done.err) == (2, True)


def test_the_schema_is_brought_up_and_told(caravan: Caravan, own_database: DatabaseAddress) -> None:
    assert caravan("db", "status").code == 0
    assert "nothing to do" in caravan("db", "migrate").out
    as_administrator(own_database, "UPDATE alembic_version SET version_num = '0001_foundation'")
    behind = caravan("db", "status")
    assert (behind.code, "0001_foundation" in behind.out) == (1, True)
    assert "CREATE ROLE caravan_app" in caravan("db", "roles", "shop").out


def test_status_tells_what_runs_and_what_was_loaded(caravan: Caravan, own_database: DatabaseAddress) -> None:
    whole = json.loads(caravan("status", "--json").out)
    assert whole["loads"] == []
    assert whole["processes"][0]["status"] == "not running"
    assert "not running" in caravan("status").out
    as_administrator(own_database, "DROP SCHEMA engine CASCADE")
    assert json.loads(caravan("status", "--json").out)["loads"] == []


def test_people_are_added_and_get_new_passwords(caravan: Caravan, own_database: DatabaseAddress) -> None:
    as_administrator(
        own_database, "INSERT INTO organisations (id, code, name) VALUES (gen_random_uuid(), 'shop', 'Shop')"
    )
    added = caravan("user", "add", "ada@example.com", "--org", "shop", "--role", "org-owner")
    assert added.code == 0, added.err
    assert re.search(r"password  \S{10,}", added.out)
    again = caravan("user", "add", "ada@example.com", "--org", "shop")
    assert (again.code, "email_taken" in again.err) == (1, True)
    assert caravan("user", "add", "bob@example.com", "--org", "nowhere").code == 1
    renewed = caravan("user", "reset-password", "ada@example.com")
    assert renewed.code == 0
    assert renewed.out != added.out
    assert caravan("user", "reset-password", "nobody@example.com").code == 1


def test_keys_are_made_once_and_rotated(caravan: Caravan, tmp_path: Path) -> None:
    made = caravan("keys", "make")
    assert made.code == 0
    assert caravan("keys", "make").out == made.out
    kid = made.out.split()[-1]
    rotated = caravan("keys", "rotate")
    assert rotated.code == 0
    assert kid not in rotated.out
    for key in (tmp_path / "home" / "keys").rglob("*"):
        assert key.is_dir() or key.stat().st_mode & 0o077 == 0, key


def test_the_audit_is_verified_and_a_change_is_found(caravan: Caravan, own_database: DatabaseAddress) -> None:
    whole = caravan("audit", "verify")
    assert (whole.code, "the audit is whole" in whole.out) == (0, True)
    assert caravan("audit", "verify", "--org", "00000000-0000-0000-0000-000000000001").code == 0
    assert caravan("audit").code in {0, 2}


def test_the_audit_stays_whole_across_a_rotation_of_its_key(
    caravan: Caravan, own_database: DatabaseAddress, tmp_path: Path
) -> None:
    def seal() -> None:
        asyncio.run(_seal_one(own_database, tmp_path / "home"))

    seal()
    rotated = caravan("audit", "rotate")
    assert (rotated.code, "now signed with" in rotated.out) == (0, True)
    seal()
    whole = caravan("audit", "verify")
    assert (whole.code, "2 sealed entries, 2 checkpoints" in whole.out) == (0, True)
    for retired in (tmp_path / "home" / "keys").glob("audit-retired-*"):
        retired.unlink()
    forged = caravan("audit", "verify")
    assert (forged.code, "checkpoint_forged" in forged.out) == (1, True)


async def _seal_one(address: DatabaseAddress, home: Path) -> None:
    system = Database(address, role=Role.SYSTEM)
    try:
        org = UUID(int=1)
        async with system.write(org) as session:
            who = Principal(PrincipalKind.SERVICE, org=org)
            await record(session, who, "order.changed", entity="order", entity_id="1", after={"n": 1})
        key, file = AuditKey.load(home / "keys"), CheckpointFile.of(Settings(environment="test", home=home))
        assert await Sealer(system, key, file).seal_batch() == 1
    finally:
        await system.close()


def test_doctor_looks_at_servers_of_yours(caravan: Caravan, monkeypatch: pytest.MonkeyPatch) -> None:
    done = caravan("doctor")
    assert done.code == 0, done.out
    assert "database answers" in done.out
    assert "schema" in done.out
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    away = caravan("doctor")
    assert (away.code, "Check REDIS_URL" in away.out) == (1, True)
    monkeypatch.setenv("CARAVAN_PORT", "many")
    wrong = caravan("doctor")
    assert (wrong.code, "CARAVAN_PORT" in wrong.out) == (1, True)


def test_doctor_without_servers_changes_nothing(
    caravan: Caravan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    done = caravan("doctor")
    assert done.code == 0, done.out
    assert "not running" in done.out
    assert not (tmp_path / "home").exists()


def test_a_database_that_does_not_answer_is_said(caravan: Caravan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert "does not answer" in caravan("db", "status").err
    assert "does not answer" in caravan("status").err
    assert caravan("doctor").code == 1


def test_a_fault_of_ours_keeps_its_trace(caravan: Caravan, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("caravan.entry.commands.database.head_revision", fail)
    with pytest.raises(ZeroDivisionError):
        caravan("db", "status")


def test_a_full_disk_is_told_wherever_it_is_met() -> None:
    import errno  # noqa: PLC0415 - of this test alone

    told = failures.in_our_words(OSError(errno.ENOSPC, "No space left on device", "/x/y"))
    assert told is not None
    assert (told.code, "/x/y" in told.message) == ("disk_full", True)
    of_database = failures.in_our_words(psycopg.errors.DiskFull("could not extend file"))
    assert of_database is not None
    assert of_database.code == "disk_full"
    assert failures.in_our_words(OSError(errno.ENOENT, "no")) is None


@pytest.mark.parametrize("kept", ["signing-*.pem", "identity.key"])
def test_the_api_in_production_without_a_key_says_so_before_anything_is_started(
    caravan: Caravan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: str
) -> None:
    def nothing_may_start(*_arguments: object, **_named: object) -> None:
        raise AssertionError("a server or a process was started")

    for name in ("opened_servers", "Supervisor"):
        monkeypatch.setattr(f"caravan.entry.commands.api.{name}", nothing_may_start)
    monkeypatch.setenv("CARAVAN_ENVIRONMENT", "production")
    refused = caravan("api")
    assert (refused.code, "signing_key_missing" in refused.err) == (1, True)
    assert "caravan keys make" in refused.err
    assert not (tmp_path / "home").exists()

    assert caravan("keys", "make").code == 0
    for path in (tmp_path / "home").rglob("*.*"):
        if path.is_file() and not path.match(kept):
            path.unlink()
    assert "signing_key_missing" in caravan("api").err

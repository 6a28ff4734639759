"""The audit: written with its cause, sealed by a companion, and every change afterwards is found."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.outbox import last_beats
from caravan.core.principal import ANONYMOUS, Principal, PrincipalKind
from caravan.core.protocols import AuditSink
from caravan.core.settings import Settings
from caravan.platform.audit import (
    Audit,
    AuditKey,
    AuditReport,
    CheckpointFile,
    Sealer,
    record,
    run_sealer,
    verify_audit,
)
from caravan.platform.audit.checkpoints import Checkpoint
from caravan.platform.audit.content import chain_hash
from tests.fixtures.background import ask, until

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
OTHER = UUID("22222222-2222-7222-8222-222222222222")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG)
STRANGER = Principal(PrincipalKind.USER, id=uuid4(), org=OTHER)


@dataclass
class House:
    address: DatabaseAddress
    app: Database
    system: Database
    key: AuditKey
    file: CheckpointFile
    sealer: Sealer
    keys: Path

    async def tell(self, principal: Principal = USER, count: int = 1, action: str = "order.changed") -> None:
        for n in range(count):
            async with self.app.write(principal.org) as session:
                await record(session, principal, action, entity="order", entity_id=str(n), after={"n": n})

    async def report(self) -> AuditReport:
        return await verify_audit(self.system, self.key, self.file)

    async def kinds(self) -> set[str]:
        return {finding.kind for finding in (await self.report()).findings}

    def ask(self, statement: str, *values: object) -> list[tuple]:
        return ask(self.address, statement, *values)


@pytest_asyncio.fixture(loop_scope="session")
async def house(module_database: DatabaseAddress, tmp_path: Path) -> AsyncIterator[House]:
    ask(module_database, "TRUNCATE audit_entries, audit_seals, audit_checkpoints, heartbeats")
    app, system = (Database(module_database, role=role, pool=8) for role in (Role.APP, Role.SYSTEM))
    key = AuditKey.load(tmp_path / "keys")
    file = CheckpointFile(tmp_path / "audit" / "checkpoints.jsonl")
    sealer = Sealer(system, key, file, batch=5)
    yield House(module_database, app, system, key, file, sealer, tmp_path / "keys")
    await app.close()
    await system.close()


async def seal_all(house: House) -> int:
    total = 0
    while sealed := await house.sealer.seal_batch():
        total += sealed
    return total


async def test_entries_are_sealed_in_a_chain_per_organisation_and_verify(house: House) -> None:
    await house.tell(USER, 7)
    await house.tell(STRANGER, 2)
    await house.tell(ANONYMOUS, 1)
    report = await house.report()
    assert (report.ok, report.sealed, report.unsealed) == (True, 0, 10)
    assert await seal_all(house) == 10
    report = await house.report()
    assert (report.ok, report.organisations, report.sealed, report.unsealed) == (True, 3, 10, 0)
    assert report.checkpoints == len({(each.org, each.seq) for each in house.file.read()})
    assert house.ask("SELECT seq FROM audit_seals WHERE org_id = %s ORDER BY seq", ORG) == [
        (n,) for n in range(1, 8)
    ]
    assert (await verify_audit(house.system, house.key, house.file, org=OTHER)).sealed == 2


async def test_what_rolls_back_leaves_no_entry(house: House) -> None:
    async def fail() -> None:
        async with house.app.write(ORG) as session:
            await record(session, USER, "order.changed", entity="order", entity_id="1")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await seal_all(house) == 0


async def test_every_value_that_json_changes_still_verifies_and_secrets_are_gone(house: House) -> None:
    sink: AuditSink = Audit()
    before = {
        "price": Decimal("1.10"),
        "rate": 1e16,
        "when": datetime(2026, 1, 2, tzinfo=UTC),
        "raw": b"\x01",
        "tags": {"b", "a"},
        "text": "nul\x00 and \ud800",
        "big": 2**80,
        "list": [None, True, {"Password": "hunter2"}],
        "kind": PrincipalKind.USER,
    }
    async with house.app.write(ORG) as session:
        await sink.record(
            session,
            USER,
            "x",
            entity="user",
            entity_id=ORG,
            before=before,
            after={"api_key": "k", "token": None},
        )
    await seal_all(house)
    assert (await house.report()).ok
    ((stored, after, entity_id),) = house.ask("SELECT before, after, entity_id FROM audit_entries")
    assert stored["list"] == [None, True, {"Password": "[redacted]"}]
    assert after == {"api_key": "[redacted]", "token": None}
    assert (stored["price"], stored["big"], stored["tags"], entity_id) == (
        "1.10",
        2**80,
        ["a", "b"],
        str(ORG),
    )


@pytest.mark.parametrize(
    ("crime", "kind"),
    [
        ("UPDATE audit_entries SET action = 'order.seen' WHERE entity_id = '2'", "content_changed"),
        ("UPDATE audit_entries SET after = '{\"n\": 3}' WHERE entity_id = '2'", "content_changed"),
        ("DELETE FROM audit_entries WHERE entity_id = '2'", "entry_missing"),
        ("DELETE FROM audit_seals WHERE seq = 3", "seal_missing"),
        ("UPDATE audit_seals SET chain_hash = sha256('x') WHERE seq = 3", "link_broken"),
        ("UPDATE audit_seals SET previous_hash = sha256('x') WHERE seq = 3", "link_broken"),
        ("DELETE FROM audit_seals WHERE seq >= 6", "tail_cut"),
        ("DELETE FROM audit_seals", "tail_cut"),
        ("DELETE FROM audit_checkpoints WHERE seq = 5", "checkpoint_missing"),
        ("UPDATE audit_checkpoints SET chain_hash = sha256('x') WHERE seq = 5", "checkpoint_forged"),
        ("UPDATE audit_checkpoints SET seq = 4 WHERE seq = 5", "checkpoint_forged"),
    ],
)
async def test_a_crime_in_the_database_is_found(house: House, crime: str, kind: str) -> None:
    await house.tell(USER, 7)
    await seal_all(house)
    house.ask(crime)
    assert kind in await house.kinds()


async def test_a_tail_cut_with_all_its_traces_in_the_database_is_found_by_the_file(house: House) -> None:
    await house.tell(USER, 7)
    await seal_all(house)
    house.ask("DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_seals WHERE seq > 5)")
    house.ask("DELETE FROM audit_seals WHERE seq > 5")
    house.ask("DELETE FROM audit_checkpoints WHERE seq > 5")
    assert await house.kinds() == {"tail_cut", "checkpoint_missing"}
    await house.tell(USER, 3)
    await seal_all(house)
    assert await house.kinds() >= {"checkpoint_differs"}


async def test_a_chain_forged_from_end_to_end_is_found_by_the_file(house: House) -> None:
    await house.tell(USER, 3)
    await seal_all(house)
    house.ask("DELETE FROM audit_entries WHERE entity_id = '1'")
    rows = house.ask(
        "SELECT entry_id, content_hash FROM audit_seals s JOIN audit_entries e ON e.id = s.entry_id ORDER BY seq"
    )
    house.ask("TRUNCATE audit_seals, audit_checkpoints")
    previous, forger = bytes(32), AuditKey.load(house.file.path.parent / "forger")
    for seq, (entry, content) in enumerate(rows, start=1):
        link = chain_hash(previous, ORG, seq, entry, content)
        house.ask("INSERT INTO audit_seals VALUES (%s, %s, %s, %s, %s)", ORG, seq, entry, previous, link)
        previous = link
    forged = Checkpoint.signed(forger, ORG, 2, previous, datetime.now(UTC))
    house.ask(
        "INSERT INTO audit_checkpoints VALUES (%s, %s, %s, %s, %s, %s, 1)",
        ORG,
        forged.seq,
        forged.chain_hash,
        house.key.id,
        forged.signature,
        forged.made_at,
    )
    assert await house.kinds() >= {"checkpoint_forged", "tail_cut"}


async def test_twenty_recorders_at_once_and_two_sealers_make_one_chain(house: House) -> None:
    stop = asyncio.Event()
    second = Sealer(house.system, house.key, house.file, batch=3)
    sealers = [asyncio.create_task(sealer.run(stop)) for sealer in (house.sealer, second)]
    await asyncio.gather(*(house.tell(USER, 5) for _ in range(20)))
    await until(lambda: house.ask("SELECT count(*) FROM audit_seals") == [(100,)])
    stop.set()
    await asyncio.gather(*sealers)
    report = await house.report()
    assert (report.ok, report.sealed, report.unsealed) == (True, 100, 0)
    async with house.system.read() as session:
        assert ("sealer", "sealer") in await last_beats(session)


async def test_a_long_transaction_holds_up_no_seals_but_its_own_and_is_not_skipped(house: House) -> None:
    async with house.app.write(ORG) as slow:
        await record(slow, USER, "slow", entity="order", entity_id="slow")
        await house.tell(USER, 3, "quick")
        assert await seal_all(house) == 3
        await house.tell(USER, 7, "later")
        assert await seal_all(house) == 7
    assert (await house.report()).unsealed == 1
    restarted = Sealer(house.system, house.key, house.file)
    assert await restarted.seal_batch() == 1
    await house.tell(USER, 1, "last")
    assert await seal_all(house) == 1
    actions = house.ask(
        "SELECT action FROM audit_seals s JOIN audit_entries e ON e.id = s.entry_id AND e.org_id = s.org_id ORDER BY seq"
    )
    assert [action for (action,) in actions] == [*["quick"] * 3, *["later"] * 7, "slow", "last"]
    assert (await house.report()).ok


async def test_entries_that_came_with_a_dump_of_another_server_are_sealed_too(house: House) -> None:
    await house.tell(USER, 2)
    house.ask("UPDATE audit_entries SET xid = xid + 1000000000")
    assert await seal_all(house) == 2
    await house.tell(USER, 2)
    assert await seal_all(house) == 2
    assert (await house.report()).ok


async def test_checkpoints_that_a_crash_kept_from_the_file_are_written_at_the_start(house: House) -> None:
    await house.tell(USER, 3)
    await seal_all(house)
    house.file.path.unlink()
    await house.sealer.catch_up()
    await house.sealer.catch_up()
    assert [(each.org, each.seq) for each in house.file.read()] == [(ORG, 3)]


async def test_the_file_keeps_the_newest_checkpoint_of_each_organisation_and_key(house: House) -> None:
    await house.tell(USER, 12)
    await house.tell(STRANGER, 3)
    await seal_all(house)
    house.sealer._key = fresh = AuditKey.rotate(house.keys)
    await house.tell(USER, 12)
    await seal_all(house)
    before = list(house.file.read())
    await house.sealer.compact()
    kept = list(house.file.read())
    newest = {(each.org, each.key_id): each.seq for each in before}
    assert {(each.org, each.key_id): each.seq for each in kept} == newest
    assert len(kept) == len(newest) == 3 < len(before)
    report = await verify_audit(house.system, fresh, house.file)
    assert (report.ok, report.sealed) == (True, 27)
    with psycopg.connect(house.address.libpq(None), autocommit=True) as thief:
        thief.execute("DELETE FROM audit_checkpoints WHERE org_id = %s AND seq > 20", (ORG,))
        thief.execute("DELETE FROM audit_seals WHERE org_id = %s AND seq > 20", (ORG,))
    cut = await verify_audit(house.system, fresh, house.file)
    assert {finding.kind for finding in cut.findings} == {"checkpoint_missing", "tail_cut"}


async def test_a_checkpoint_that_the_chain_contradicts_is_kept_as_evidence(house: House) -> None:
    await house.tell(USER, 12)
    await seal_all(house)
    with psycopg.connect(house.address.libpq(None), autocommit=True) as forger:
        forger.execute(
            "UPDATE audit_seals SET chain_hash = %s WHERE org_id = %s AND seq = 5", (bytes(32), ORG)
        )
    await house.sealer.compact()
    assert [each.seq for each in house.file.read()] == [5, 12]
    assert "checkpoint_differs" in await house.kinds()


async def test_a_running_sealer_takes_up_a_rotated_key(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caravan.platform.audit.sealer._BEAT_EVERY", 0.0)
    sealer = Sealer(house.system, house.key, house.file, keys_folder=house.keys)
    stop = asyncio.Event()
    running = asyncio.create_task(sealer.run(stop))
    await house.tell(USER, 1)
    await until(lambda: house.ask("SELECT 1 FROM audit_checkpoints WHERE key_id = %s", house.key.id))
    fresh = AuditKey.rotate(house.keys)
    await until(lambda: sealer._key.id == fresh.id)
    await house.tell(USER, 1)
    await until(lambda: house.ask("SELECT 1 FROM audit_checkpoints WHERE key_id = %s", fresh.id))
    stop.set()
    await running
    assert (await verify_audit(house.system, fresh, house.file)).ok


async def test_a_forged_checkpoint_is_not_taken_into_the_file(house: House) -> None:
    await house.tell(USER, 3)
    await seal_all(house)
    house.file.path.unlink()
    house.ask("UPDATE audit_checkpoints SET chain_hash = sha256('x')")
    await house.sealer.catch_up()
    assert list(house.file.read()) == []


async def test_the_companion_seals_unasked_and_outlives_cut_connections(house: House, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, home=tmp_path / "home")
    stop = asyncio.Event()
    task = asyncio.create_task(run_sealer(house.system, settings, stop))
    await house.tell()
    await until(lambda: house.ask("SELECT count(*) FROM audit_seals") == [(1,)])
    house.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await house.tell()
    await until(lambda: house.ask("SELECT count(*) FROM audit_seals") == [(2,)])
    stop.set()
    await asyncio.wait_for(task, 30)
    assert (tmp_path / "home/audit/checkpoints.jsonl").exists()


@pytest.mark.parametrize("table", ["audit_entries", "audit_seals", "audit_checkpoints"])
@pytest.mark.parametrize("role", [Role.APP, Role.SYSTEM])
async def test_nobody_may_change_or_remove(house: House, table: str, role: Role) -> None:
    database = house.app if role is Role.APP else house.system
    for crime in (f"UPDATE {table} SET org_id = org_id", f"DELETE FROM {table}", f"TRUNCATE {table}"):  # noqa: S608 - our names
        async with database.engine.connect() as connection:
            with pytest.raises(ProgrammingError, match="permission denied"):
                await connection.exec_driver_sql(crime)


@pytest.mark.parametrize(
    "forgery",
    [
        "INSERT INTO audit_seals (org_id) VALUES (gen_random_uuid())",
        "INSERT INTO audit_checkpoints (org_id) VALUES (gen_random_uuid())",
    ],
)
async def test_the_service_cannot_seal(house: House, forgery: str) -> None:
    with (
        psycopg.connect(house.address.libpq(Role.APP)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(forgery.encode())


async def test_another_tenant_sees_nothing(house: House) -> None:
    await house.tell(USER, 2)
    await seal_all(house)
    for table in ("audit_entries", "audit_seals", "audit_checkpoints"):
        for org, seen in ((ORG, True), (OTHER, False), (None, False)):
            async with house.app.read(org) as session:
                connection = await session.connection()
                count = await connection.scalar(select(func.count()).select_from(text(table)))
                assert bool(count) is seen, (table, org)


async def test_an_entry_for_another_tenant_is_refused(house: House) -> None:
    async with house.app.engine.connect() as connection:
        await connection.exec_driver_sql(f"SELECT set_config('caravan.org', '{ORG}', true)")
        with pytest.raises(ProgrammingError, match="row-level security"):
            await connection.exec_driver_sql(
                "INSERT INTO audit_entries (org_id, id, principal, action, entity, entity_id, content_hash)"
                " VALUES (gen_random_uuid(), gen_random_uuid(), '', '', '', '', '')"
            )

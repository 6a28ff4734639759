"""`caravan audit`."""

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.settings import Settings, load_settings
from caravan.entry.addresses import opened_servers
from caravan.platform.audit import AuditKey, AuditReport, CheckpointFile, verify_audit

__all__ = ["app"]

app = typer.Typer(add_completion=False, help="The sealed record of who did what.", no_args_is_help=True)


@app.command("verify")
def verify(
    org: Annotated[UUID | None, typer.Option(help="Only this organisation, by id.")] = None,
) -> None:
    """Check contents, chains, checkpoints and cut tails; exit code 1 when something was changed."""
    settings = load_settings()
    with opened_servers(settings, redis=False) as addresses:
        report = asyncio.run(_verify(settings, addresses.database, org))
    print(
        f"{report.organisations} organisations, {report.sealed} sealed entries, "
        f"{report.checkpoints} checkpoints, {report.unsealed} not sealed yet"
    )
    for finding in report.findings:
        print(f"  {finding.kind}: organisation {finding.org}, entry {finding.entry}: {finding.detail}")
    if report.more_findings:
        print(f"  and {report.more_findings} more")
    print("the audit is whole" if report.ok else "THE AUDIT WAS CHANGED")
    if not report.ok:
        raise typer.Exit(1)


@app.command("rotate")
def rotate() -> None:
    """Sign checkpoints with a new key from now on; what the old one signed stays good, and it signs nothing more."""
    fresh = AuditKey.rotate(load_settings().keys_folder)
    print(f"checkpoints are now signed with {fresh.id}; workers take it up within seconds")


async def _verify(settings: Settings, address: DatabaseAddress, org: UUID | None) -> AuditReport:
    database = Database(address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan audit")
    try:
        return await verify_audit(
            database, AuditKey.load(settings.keys_folder), CheckpointFile.of(settings), org=org
        )
    finally:
        await database.close()

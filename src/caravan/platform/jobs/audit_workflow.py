"""``audit.verify``: an organisation has its own audit checked as a job, with progress, and may stop it."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text

from caravan.core.database import Database, Role
from caravan.platform.audit import AuditKey, AuditReport, CheckpointFile, verify_audit
from caravan.platform.jobs.run import Run
from caravan.platform.jobs.workflows import Workflow, register

__all__ = ["AUDIT_VERIFY", "AuditVerify", "verify"]

_LOOK_EVERY: Final = 0.1
_COUNT: Final = text("SELECT count(*) FROM audit_seals WHERE org_id = :org")


class AuditVerify(BaseModel):
    """Parameters: how many findings to give in full."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    findings: Annotated[int, Field(ge=0, le=1000)] = 100


async def verify(run: Run, parameters: AuditVerify) -> dict[str, Any]:
    """Check the chain, the contents and the checkpoints of the job's organisation; a changed audit is a result."""
    database = run.database(Role.SYSTEM)
    try:
        report = await _watched(run, database)
    finally:
        await database.close()
    found = [
        {name: str(value) if value is not None else None for name, value in asdict(finding).items()}
        for finding in report.findings[: parameters.findings]
    ]
    return {
        "ok": report.ok,
        "sealed": report.sealed,
        "unsealed": report.unsealed,
        "checkpoints": report.checkpoints,
        "findings": found,
        "more_findings": len(report.findings) - len(found) + report.more_findings,
    }


async def _watched(run: Run, database: Database) -> AuditReport:
    async with database.read() as session:
        total = await session.scalar(_COUNT, {"org": run.org}) or 0
    key, file = AuditKey.load(run.settings.keys_folder), CheckpointFile.of(run.settings)
    report = AuditReport()
    checking = asyncio.create_task(verify_audit(database, key, file, org=run.org, report=report))
    while not checking.done():
        run.progress(report.sealed, total, "entries checked")
        if run.cancelled:
            checking.cancel()
        await asyncio.wait({checking}, timeout=_LOOK_EVERY)
    if checking.cancelled():
        return report
    run.progress(report.sealed, max(total, report.sealed), "entries checked")
    return checking.result()


AUDIT_VERIFY: Final = register(
    Workflow(
        name="audit.verify",
        parameters=AuditVerify,
        run="caravan.platform.jobs.audit_workflow:verify",
        queue="audit",
    )
)

"""The audit: who did what, sealed against change and verifiable by anybody who has the key and the file."""

from caravan.platform.audit.checkpoints import CheckpointFile
from caravan.platform.audit.errors import AuditKeyError, CheckpointFileError
from caravan.platform.audit.keys import AuditKey
from caravan.platform.audit.recording import Audit, record
from caravan.platform.audit.sealer import Sealer, run_sealer
from caravan.platform.audit.verification import AuditFinding, AuditReport, verify_audit

__all__ = [
    "Audit",
    "AuditFinding",
    "AuditKey",
    "AuditKeyError",
    "AuditReport",
    "CheckpointFile",
    "CheckpointFileError",
    "Sealer",
    "record",
    "run_sealer",
    "verify_audit",
]

"""What can go wrong with the audit."""

from caravan.core.errors import CaravanError

__all__ = ["AuditKeyError", "CheckpointFileError"]


class AuditKeyError(CaravanError):
    code = "audit_key"
    status = 500
    title = "The key of the audit cannot be used"
    fix = (
        "Put back the file the message names from your backup; without it, old checkpoints cannot be checked."
    )


class CheckpointFileError(CaravanError):
    code = "audit_checkpoint_file"
    status = 500
    title = "The file of the audit's checkpoints cannot be read"
    fix = "Put back the file the message names from your backup, or keep the damaged one as evidence and move it away."

"""Evidence: a folder that proves, without a database, what was done to a migration and on which grounds."""

from caravan.migration.cutover.evidence.exporting import export_evidence
from caravan.migration.cutover.evidence.verifying import Problem, Proven, verify_evidence

__all__ = ["Problem", "Proven", "export_evidence", "verify_evidence"]

"""Takes secrets out of exchanges before they are stored."""

from caravan.migration.recording.redaction.missing import missing_from
from caravan.migration.recording.redaction.placeholders import is_placeholder
from caravan.migration.recording.redaction.redactor import Redactor
from caravan.migration.recording.redaction.rules import RedactionRules

__all__ = ["RedactionRules", "Redactor", "is_placeholder", "missing_from"]

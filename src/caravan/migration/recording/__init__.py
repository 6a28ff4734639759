"""Recorded traffic: redacted before it touches the disk, kept within limits, read as a stream.

A recording is a folder. Exchanges come from a tap (``Recorder``), from HAR files or from access logs (``import_file``).
"""

from caravan.migration.recording.errors import ImportUnreadable, RecordingMissing, RuleInvalid
from caravan.migration.recording.frames import Damage
from caravan.migration.recording.imports import (
    ImportReport,
    Refused,
    access_log_exchanges,
    har_exchanges,
    import_file,
)
from caravan.migration.recording.recorder import Counts, Recorder, record_stream
from caravan.migration.recording.recording import Reading, Readings, Recording, Summary
from caravan.migration.recording.redacting_writer import RedactingWriter
from caravan.migration.recording.redaction import RedactionRules, Redactor, is_placeholder
from caravan.migration.recording.retention import DEFAULT_RETENTION, Pruned, Retention

__all__ = [
    "DEFAULT_RETENTION",
    "Counts",
    "Damage",
    "ImportReport",
    "ImportUnreadable",
    "Pruned",
    "Reading",
    "Readings",
    "Recorder",
    "Recording",
    "RecordingMissing",
    "RedactingWriter",
    "RedactionRules",
    "Redactor",
    "Refused",
    "Retention",
    "RuleInvalid",
    "Summary",
    "access_log_exchanges",
    "har_exchanges",
    "import_file",
    "is_placeholder",
    "record_stream",
]

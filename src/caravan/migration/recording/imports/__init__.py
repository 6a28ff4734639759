"""Reads traffic that others recorded."""

from caravan.migration.recording.imports.access_log import access_log_exchanges
from caravan.migration.recording.imports.har import har_exchanges
from caravan.migration.recording.imports.importing import ImportReport, import_file
from caravan.migration.recording.imports.refused import Refused

__all__ = ["ImportReport", "Refused", "access_log_exchanges", "har_exchanges", "import_file"]

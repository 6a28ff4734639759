"""Writers of what the readers read, deterministic to the byte: dump folders, archives, Extended JSON."""

from caravan.migration.load.writers.archive import write_archive
from caravan.migration.load.writers.dump_directory import write_dump_directory
from caravan.migration.load.writers.extended_json import JsonForm, write_extended_json

__all__ = ["JsonForm", "write_archive", "write_dump_directory", "write_extended_json"]

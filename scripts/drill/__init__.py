"""The parts of the rollback drill of the deduper queue."""

"""The worker of these tests."""

from tests.fixtures.deduper_worker import application, program, worker

__all__ = ["application", "program", "worker"]

"""What doctor learns where nothing runs."""

import os
from pathlib import Path

import psutil
import pytest

from caravan.core.embedded import ServerBinariesMissingError, facts, server_facts


def test_missing_programs_are_a_problem_and_not_a_crash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def nothing() -> None:
        raise ServerBinariesMissingError("none here")

    monkeypatch.setattr("caravan.core.embedded.postgres.find_postgres", nothing)
    monkeypatch.setattr("caravan.core.embedded.valkey.find_valkey", nothing)
    found = server_facts(tmp_path / ".caravan")
    assert [(fact.name, fact.problem, fact.version, fact.pid) for fact in found] == [
        ("PostgreSQL", "none here", None, None),
        ("Valkey", "none here", None, None),
    ]
    assert not (tmp_path / ".caravan").exists()


def test_memory_is_measured_with_and_without_the_right_to_look_closely(monkeypatch: pytest.MonkeyPatch):
    def refuse(_: psutil.Process) -> None:
        raise psutil.AccessDenied

    whole = facts.memory_of(os.getpid())
    monkeypatch.setattr(psutil.Process, "memory_full_info", refuse)
    coarse = facts.memory_of(os.getpid())
    assert whole
    assert coarse
    assert whole.rss > 1_000_000
    assert coarse.pss is None


def test_the_memory_of_nobody_is_unknown():
    assert facts.memory_of(2**22 + 1) is None

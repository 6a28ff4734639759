"""What doctor says of machines and disks that these tests do not have."""

import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from caravan.core.embedded.facts import Memory, ServerFacts
from caravan.core.settings import Settings
from caravan.entry.commands import doctor
from caravan.entry.ports import PortTakenError


def facts(**known: object) -> ServerFacts:
    values = {"name": "PostgreSQL", "version": "18.6", "source": "wheel", "problem": None, "pid": None, "url": None,
              "memory": None, "data_bytes": 3 * 1024 * 1024}  # fmt: skip
    return ServerFacts(**{**values, **known})


def of(lines: Iterator[doctor.Line], what: str) -> list[doctor.Line]:
    return [line for line in lines if line.what == what]


@pytest.mark.parametrize(("system", "libc"), [("win32", ""), ("linux", "musl")])
def test_where_no_server_can_be_embedded_urls_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, system: str, libc: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (line,) = of(doctor._machine(), "embedded servers")
    assert (line.mark, line.advice) == ("bad", "Set DATABASE_URL and REDIS_URL to servers of yours.")
    monkeypatch.setenv("DATABASE_URL", "postgresql://x")
    monkeypatch.setenv("REDIS_URL", "redis://x")
    (line,) = of(doctor._machine(), "embedded servers")
    assert (line.mark, line.advice) == ("ok", "")


def test_a_disk_that_is_almost_full_is_bad(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=5 * 1024 * 1024))
    (line,) = doctor._disk(Settings(_env_file=None, home=tmp_path / "none"))
    assert (line.mark, line.found) == ("bad", "5 MiB free")


def test_an_embedded_server_is_told_with_its_cost() -> None:
    running = doctor._embedded(
        "PostgreSQL", facts(pid=42, memory=Memory(7, 90 * 1024 * 1024, 40 * 1024 * 1024))
    )
    assert running == doctor.Line(
        "ok", "PostgreSQL", "18.6 from wheel, pid 42, 40 MiB in 7 processes, 3 MiB on disk"
    )
    without_pss = doctor._embedded("PostgreSQL", facts(pid=42, memory=Memory(7, 90 * 1024 * 1024, None)))
    assert "90 MiB" in without_pss.found


def test_one_that_cannot_run_here_names_the_setting_instead() -> None:
    line = doctor._embedded("Valkey", facts(problem="no wheel for this machine"))
    assert (line.mark, line.advice) == ("bad", "Set REDIS_URL.")


def test_a_port_in_use_is_only_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> None:
        raise PortTakenError("taken")

    monkeypatch.setattr(doctor, "refuse_taken_port", taken)
    assert doctor._port(Settings(_env_file=None)).mark == "note"

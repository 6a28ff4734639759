"""initdb's failures, with a program that only says so."""

from pathlib import Path

import pytest

from caravan.core.embedded import EmbeddedDiskFullError, ServerDidNotStartError, cluster
from caravan.core.embedded.binaries import PostgresBinaries
from caravan.core.embedded.cluster import make_cluster


@pytest.fixture
def initdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a script in the place of initdb; returns the programs."""
    monkeypatch.setattr(cluster, "choose_identity", lambda _: "same")

    def write(script: str, major: int = 18) -> PostgresBinaries:
        for name, text in (("initdb", script), ("postgres", f"echo 'postgres (PostgreSQL) {major}.1'")):
            (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / name).chmod(0o755)
        return PostgresBinaries(tmp_path, "a test")

    return write


def test_no_space_is_said_and_nothing_half_made_takes_the_place_of_the_data(initdb, tmp_path: Path):
    programs = initdb('echo "initdb: error: could not write: No space left on device"; exit 1')
    with pytest.raises(EmbeddedDiskFullError):
        make_cluster(tmp_path / "data", programs)
    assert not (tmp_path / "data").exists()


def test_another_utf8_locale_is_taken_where_the_best_one_is_missing(initdb, tmp_path: Path):
    programs = initdb(
        'case "$*" in *--locale=C.UTF-8*) echo "error: invalid locale name"; exit 1;; esac; echo "$*" > chosen'
    )
    make_cluster(tmp_path / "data", programs, durable=False)
    chosen = (tmp_path / "data" / "chosen").read_text()
    assert "--locale-provider=builtin --builtin-locale=C.UTF-8 --locale=en_US.UTF-8" in chosen


def test_before_17_there_is_no_builtin_provider_to_ask_for(initdb, tmp_path: Path):
    make_cluster(tmp_path / "data", initdb('echo "$*" > chosen', major=15), durable=False)
    chosen = (tmp_path / "data" / "chosen").read_text()
    assert "--locale=C.UTF-8" in chosen
    assert "builtin" not in chosen


def test_without_any_utf8_locale_initdb_is_quoted(initdb, tmp_path: Path):
    with pytest.raises(ServerDidNotStartError, match="invalid locale name"):
        make_cluster(tmp_path / "data", initdb('echo "error: invalid locale name"; exit 1'))

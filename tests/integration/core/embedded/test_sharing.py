"""Several processes use one server: attach, leave, be killed."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from caravan.core.embedded import (
    DataOfAnotherVersionError,
    EmbeddedPostgres,
    EmbeddedValkey,
    ServerDidNotStartError,
    embedded_servers,
    server_facts,
)
from caravan.core.embedded.identity import launcher_command

from .conftest import OTHER_PROCESS, processes_in, wait_for_nobody

Start = Callable[..., subprocess.Popen[str]]


def test_both_servers_come_up_together_and_leave_together(made_home: Path):
    home = made_home
    said: list[str] = []
    with embedded_servers(
        home, want_postgres=True, want_valkey=True, report=said.append, die_with_parent=True, durable=False
    ) as servers:
        assert servers.postgres
        assert servers.valkey
        with psycopg.connect(servers.postgres.dsn()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        facts = server_facts(home)
    assert said[-2:] == ["PostgreSQL stopped.", "Valkey stopped."]
    assert processes_in(home) == []
    for fact in facts:
        assert fact.problem is None
        assert fact.pid
        assert fact.memory
        assert 0 < (fact.memory.pss or fact.memory.rss) <= fact.memory.rss
        assert fact.version
        assert fact.url
    assert {"pg_trgm", "unaccent"} <= set(facts[0].extensions)
    assert facts[0].data_bytes > 10_000_000
    assert [fact.pid for fact in server_facts(home)] == [None, None]


def test_only_what_is_wanted_is_started(home: Path):
    with embedded_servers(home, want_postgres=False, want_valkey=False) as servers:
        assert servers.postgres is None
        assert servers.valkey is None
    assert not home.exists()


def test_a_second_process_attaches_and_the_last_one_stops_the_server(
    postgres: EmbeddedPostgres, home: Path, other_process: Start
):
    said: list[str] = []
    dsn = postgres.start(said.append).dsn()
    running = postgres.running()
    second = other_process()
    postgres.stop()
    assert said[-1] == "PostgreSQL goes on for its other users."
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert postgres.running() == running
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=60)
    assert wait_for_nobody(home) == []


def test_an_orphan_of_a_killed_starter_is_attached_and_stopped_by_its_last_user(
    postgres: EmbeddedPostgres, home: Path, other_process: Start
):
    starter = other_process()
    orphan = postgres.running()
    starter.kill()
    starter.wait()
    said: list[str] = []
    postgres.start(said.append)
    assert orphan
    assert said == [f"PostgreSQL was running already (process {orphan.pid})."]
    postgres.stop()
    assert processes_in(home) == []


def test_ctrl_c_at_the_terminal_reaches_caravan_but_not_the_servers(home: Path, other_process: Start):
    process = other_process("pv")
    for server in (EmbeddedPostgres(home), EmbeddedValkey(home)):
        running = server.running()
        assert running
        assert running.pid
        assert os.getsid(running.pid) == running.pid
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert said == "interrupted\n"
    assert process.returncode == 0
    assert processes_in(home) == []
    assert "immediate shutdown" not in (home / "log" / "postgres.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_servers_of_a_test_run_die_with_it(home: Path, other_process: Start):
    process = other_process("pv", "die")
    assert processes_in(home)
    process.kill()
    process.wait()
    assert wait_for_nobody(home) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a user namespace stands for an ordinary user")
def test_an_ordinary_user_starts_both(home: Path):
    home.mkdir()
    script = OTHER_PROCESS.replace("time.sleep(60)", "import os; print(os.geteuid())")
    done = subprocess.run(
        [
            *launcher_command('{"identity": "namespace"}'),
            sys.executable,
            "-c",
            script,
            str(home),
            "pv",
            "stay",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    if done.returncode == 96:
        pytest.skip("this machine refuses user namespaces (sysctl user.max_user_namespaces)")
    assert done.stdout == "up\n65534\n", done.stderr
    assert processes_in(home) == []


def test_a_forked_child_that_stops_leaves_the_server_alone(postgres: EmbeddedPostgres, monkeypatch):
    postgres.start()
    with monkeypatch.context() as as_child:
        as_child.setattr(postgres, "_owner", postgres._owner + 1)
        postgres.stop()
    assert postgres.running()
    again = EmbeddedPostgres(postgres.home.path)
    again.start()
    again.stop()
    assert postgres.running() is None


def test_when_one_server_cannot_start_the_other_is_not_left_behind(made_home: Path):
    (made_home / "postgres" / "global" / "pg_control").unlink()
    with (
        pytest.raises(ServerDidNotStartError),
        embedded_servers(made_home, want_postgres=True, want_valkey=True, die_with_parent=True),
    ):
        pytest.fail("nothing should run")
    assert processes_in(made_home) == []


def test_when_one_server_cannot_even_begin_the_other_is_not_left_behind(made_home: Path):
    (made_home / "postgres" / "PG_VERSION").write_text("14\n")
    with (
        pytest.raises(DataOfAnotherVersionError),
        embedded_servers(made_home, want_postgres=True, want_valkey=True, die_with_parent=True),
    ):
        pytest.fail("nothing should run")
    assert processes_in(made_home) == []


FULL_DISK = """
mount -t tmpfs -o size=20m tmpfs "$1" || exit 77
exec "$2" -c '
import sys
from pathlib import Path
from caravan.core.embedded import EmbeddedDiskFullError, embedded_servers
try:
    with embedded_servers(Path(sys.argv[1]), want_postgres=True, want_valkey=True, durable=False):
        print("up")
except EmbeddedDiskFullError as error:
    print(error.message)
' "$1"
"""


def test_a_full_disk_is_said_plainly(home: Path):
    home.mkdir()
    command = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        FULL_DISK,
        "sh",
        str(home),
        sys.executable,
    ]
    if shutil.which("unshare") is None or subprocess.run([*command[:3], "true"], check=False).returncode:
        pytest.skip("needs the command unshare and user namespaces, for a small disk of its own")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    assert "no space left on the disk" in done.stdout, done.stderr

"""A server that died is started again where it was, by whoever uses it."""

import os
import signal
import time
from pathlib import Path

import psycopg

from caravan.core.embedded import embedded_servers


def test_what_has_died_is_started_again_with_its_data_and_what_runs_is_left_alone(made_home: Path) -> None:
    with embedded_servers(
        made_home, want_postgres=True, want_valkey=True, die_with_parent=True, durable=False
    ) as running:
        assert running.postgres is not None
        assert not running.bring_back()
        dsn = running.postgres.dsn()
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("CHECKPOINT")
        valkey, postgres = (server.running() for server in running.servers)
        assert valkey is not None
        assert postgres is not None
        assert postgres.pid is not None
        os.kill(postgres.pid, signal.SIGKILL)
        said: list[str] = []
        deadline = time.monotonic() + 30
        while running.servers[1].running() is not None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert running.bring_back(said.append)
        assert any("PostgreSQL is up" in line for line in said), said
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        again = running.servers[0].running()
        assert again is not None
        assert again.pid == valkey.pid
        assert not running.bring_back()

"""`caravan api` and `caravan worker` as two services of one home; `caravan up` away from the repository."""

import signal
from pathlib import Path

from caravan.core.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.fixtures.command_line import Home, Service, until
from tools.free_ports import free_port


def test_without_a_schema_they_say_what_to_run(home: Home) -> None:
    for command in (["api", "--port", free_port()], ["worker"], ["user", "add", "a@example.com"], ["status"]):
        done = home.caravan(*command)
        assert (done.returncode, "caravan db migrate" in done.stderr) == (1, True), (command, done.stderr)
        assert "Traceback" not in done.stderr
        assert home.processes() == {}


def test_api_and_worker_share_servers_and_the_last_one_ends_them(home: Home, tmp_path: Path) -> None:
    assert home.caravan("db", "migrate").returncode == 0
    service = Service(home, free_port())
    api = home.begin("api", "--port", service.port, told=tmp_path / "api")
    worker = home.begin("worker", told=tmp_path / "worker")
    until(service.ready, what=(tmp_path / "api").read_text)
    until(lambda: "ready." in (tmp_path / "worker").read_text(), what="the worker is ready")
    assert '"level":"error"' not in (tmp_path / "worker").read_text()
    servers = home.server(EmbeddedPostgres), home.server(EmbeddedValkey)
    api.send_signal(signal.SIGTERM)
    assert api.wait(20) == 0
    assert (home.server(EmbeddedPostgres), home.server(EmbeddedValkey)) == servers
    worker.send_signal(signal.SIGINT)
    assert worker.wait(30) == 0
    assert home.processes() == {}


def test_where_there_is_no_sample_an_empty_service_starts(home: Home, tmp_path: Path) -> None:
    service = Service(home, free_port())
    service.start(cwd=tmp_path)
    assert "no sample here" in service.told
    assert service.log_in is not None
    assert home.ask("SELECT count(*) FROM users") == [(1,)]
    assert service.end() == 0
    assert home.processes() == {}

"""`caravan up` as a newcomer runs it, and what becomes of it when anything in it is killed."""

import json
import os
import re
import signal
import time

import httpx2
import psutil
import pytest

from caravan.core.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.fixtures.command_line import Service, until

ORDERS = "SELECT count(*), sum(total_amount) FROM orders"


def token(service: Service) -> str:
    """Log in as the printed administrator, and change the printed password as everybody must."""
    assert service.log_in is not None, service.told
    email, password = service.log_in
    answer = httpx2.post(
        f"{service.url}/api/v1/auth/login", json={"identifier": email, "password": password}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    access: str = answer.json()["data"]["access_token"]
    changed = httpx2.post(
        f"{service.url}/api/v1/me/password",
        json={"current": password, "new": "correct horse battery"},
        headers={"Authorization": f"Bearer {access}"},
        timeout=30,
    )
    assert changed.status_code == 200, changed.text
    return access


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def ask_for_new_password(service: Service) -> None:
    assert service.log_in is not None
    answer = httpx2.post(
        f"{service.url}/api/v1/auth/password-reset",
        json={"identifier": service.log_in[0]},
        headers={"Idempotency-Key": os.urandom(8).hex()},
        timeout=30,
    )
    assert answer.status_code == 202, answer.text


def messages(service: Service) -> int:
    return int(service.home.ask("SELECT count(*) FROM kept_messages")[0][0])


def test_the_printed_log_in_sees_the_sample(service: Service) -> None:
    access = token(service)
    orders = service.get("/api/v1/orders?limit=20", access)
    assert orders.status_code == 200, orders.text
    assert len(orders.json()["data"]) == 20
    legacy = service.get("/rps/orders?limit=5", access)
    assert legacy.status_code == 200, legacy.text
    assert service.home.ask("SELECT count(*) FROM orders") == [(1996,)]
    assert service.get("/console").status_code in {200, 302, 303, 307}


def test_a_request_makes_the_worker_work(service: Service) -> None:
    before = messages(service)
    ask_for_new_password(service)
    until(lambda: messages(service) > before, what="a kept message")


def test_status_and_doctor_see_what_runs(service: Service) -> None:
    port = str(service.port)
    status = json.loads(service.home.caravan("status", "--json", CARAVAN_PORT=port).stdout)
    assert {line["what"]: line["status"] for line in status["processes"]}["database"] == "ok"
    assert {line["data_set"]: line["records"] for line in status["loads"]}["orders"] == 1996
    doctor = service.home.caravan("doctor", CARAVAN_PORT=port)
    assert doctor.returncode == 0, doctor.stdout
    assert f"pid {service.home.server(EmbeddedPostgres)}" in doctor.stdout
    assert f"pid {service.home.server(EmbeddedValkey)}" in doctor.stdout


def test_the_terminal_stays_quiet_and_nobody_warns_of_root(service: Service) -> None:
    assert '{"' not in service.told
    assert "superuser" not in (service.home.path / "log" / "worker.log").read_text()


def test_two_processes_share_the_port_and_count_together(service: Service) -> None:
    pids = service.children("caravan.entry.api")
    assert len(pids) == 2

    def counted(pid: int) -> bool:
        return any((service.home.path / "run").glob(f"metrics-*/*_{pid}.db"))

    def asked() -> bool:
        for _ in range(20):
            assert service.get("/livez").status_code == 200
        return all(counted(pid) for pid in pids)

    until(asked, what="both have counted")
    text = service.get("/metrics").text
    counts = re.findall(r'caravan_http_request_seconds_count\{[^}]*route="/livez"[^}]*\} (\d+)', text)
    assert len(counts) == 1
    again = service.get("/metrics").text
    assert int(counts[0].split(".")[0]) >= 20
    assert re.findall(r'_seconds_count\{[^}]*route="/livez"[^}]*\} (\d+)', again) == counts


def test_a_killed_api_process_is_started_again(service: Service) -> None:
    victim = service.children("caravan.entry.api")[0]
    kill(victim)
    until(lambda: gone(victim) and len(service.children("caravan.entry.api")) == 2, what="two again")
    until(service.ready)


def test_a_killed_worker_is_started_again_and_takes_its_processes_along(service: Service) -> None:
    before = service.children("caravan.core.outbox.process")
    (worker,) = service.children("caravan.entry.cli worker")
    kill(worker)
    until(lambda: all(gone(pid) for pid in before), what="its processes have ended")
    seen = messages(service)
    ask_for_new_password(service)
    until(lambda: messages(service) > seen, what="a kept message")


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey], ids=["postgres", "valkey"])
def test_a_killed_server_comes_back_with_all_data(
    service: Service, kind: type[EmbeddedPostgres] | type[EmbeddedValkey]
) -> None:
    orders = service.home.ask(ORDERS)
    victim = service.home.server(kind)
    assert victim is not None
    kill(victim)
    until(lambda: service.home.server(kind) not in {None, victim}, what="another one")
    until(service.ready, what="ready")
    assert service.home.ask(ORDERS) == orders
    seen = messages(service)
    ask_for_new_password(service)
    until(lambda: messages(service) > seen, what="a kept message")


def test_after_its_own_death_the_next_one_takes_over(service: Service) -> None:
    assert service.process is not None
    orders = service.home.ask(ORDERS)
    postgres = service.home.server(EmbeddedPostgres)
    kill(service.process.pid)
    service.process.wait(30)
    until(lambda: not service.children("-m caravan"), what="children have ended")
    assert service.home.server(EmbeddedPostgres) == postgres
    service.start()
    assert service.home.server(EmbeddedPostgres) == postgres
    assert service.home.ask(ORDERS) == orders


def test_sigterm_ends_it_whole(service: Service) -> None:
    assert service.end(signal.SIGTERM) == 0
    assert service.home.processes() == {}


def test_ctrl_c_ends_it_whole_and_it_starts_in_seconds_with_nothing_done_twice(service: Service) -> None:
    users, orders = service.home.ask("SELECT count(*) FROM users"), service.home.ask(ORDERS)
    began = time.monotonic()
    assert service.end(signal.SIGINT) == 0
    assert service.home.processes() == {}
    assert time.monotonic() - began < 20  # nobody had to be killed after his grace
    assert service.start() < 30
    assert "schema:" not in service.told
    assert re.search(r"│ +2,000 │ +0 │ +1,996 │ +4 │", service.told), service.told
    assert "Log in as before" in service.told
    assert service.home.ask("SELECT count(*) FROM users") == users
    assert service.home.ask(ORDERS) == orders

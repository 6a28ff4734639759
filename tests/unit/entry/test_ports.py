"""The port is refused when it is taken, waited for when it is being left, and counters have a folder of their own."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from caravan.core.settings import Settings
from caravan.entry.ports import PortTakenError, metrics_folder, refuse_taken_port


def settings(home: Path, **more: object) -> Settings:
    return Settings(_env_file=None, home=home, **more)


def test_a_port_somebody_listens_on_is_refused_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"127.0.0.1:{port}"):
            refuse_taken_port("127.0.0.1", port, patience=0)
    refuse_taken_port("127.0.0.1", port, patience=0)


def test_a_port_that_is_being_left_is_waited_for() -> None:
    other = socket.create_server(("127.0.0.1", 0))
    port = other.getsockname()[1]
    leaving = threading.Timer(0.3, other.close)
    leaving.start()
    began = time.monotonic()
    refuse_taken_port("127.0.0.1", port, patience=40)
    assert time.monotonic() - began >= 0.25
    leaving.join()


def test_an_address_that_is_not_ours_is_refused_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(PortTakenError, match=r"203\.0\.113\.1:80"):
        refuse_taken_port("203.0.113.1", 80, patience=40)
    assert time.monotonic() - began < 40


def test_brackets_of_an_address_are_taken() -> None:
    if not socket.has_ipv6:
        pytest.skip("needs IPv6; to enable: run on a machine that has it")
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        port = probe.getsockname()[1]
    refuse_taken_port("[::1]", port, patience=0)


def test_one_process_needs_no_folder_of_counters(tmp_path: Path) -> None:
    with metrics_folder(settings(tmp_path)) as environment:
        assert environment == {}
    assert list(tmp_path.iterdir()) == []


def test_one_process_shares_its_counters_with_the_one_that_runs_jobs(tmp_path: Path) -> None:
    with metrics_folder(settings(tmp_path), jobs=True) as environment:
        assert Path(environment["PROMETHEUS_MULTIPROC_DIR"]).is_dir()


def test_several_processes_get_an_empty_folder_that_is_gone_at_the_end(tmp_path: Path) -> None:
    left = tmp_path / "run" / "metrics-8000" / "left_over.db"
    left.parent.mkdir(parents=True)
    left.touch()
    with metrics_folder(settings(tmp_path, processes=2)) as environment:
        folder = Path(environment["PROMETHEUS_MULTIPROC_DIR"])
        assert folder.is_dir()
        assert list(folder.iterdir()) == []
        assert os.stat(folder).st_mode & 0o077 == 0  # noqa: PTH116 - the mode as the system has it
    assert not folder.exists()

"""The embedded Valkey with a real server."""

import os
import signal
import stat
from pathlib import Path

import redis
from celery import Celery

from caravan.core.embedded import EmbeddedValkey

from .conftest import processes_in


def test_it_answers_on_a_private_socket_and_on_no_port(valkey: EmbeddedValkey, home: Path):
    address = valkey.start()
    assert address.socket == home / "run" / "valkey.sock"
    assert stat.S_IMODE(address.socket.stat().st_mode) == 0o700
    with redis.Redis.from_url(address.redis_url()) as client:
        assert client.config_get("port") == {"port": "0"} or client.config_get("port") == {b"port": b"0"}
        assert client.ping()


def test_celery_sends_by_the_broker_url(valkey: EmbeddedValkey):
    address = valkey.start()
    app = Celery("trial", broker=address.celery_broker_url(database=3))
    app.send_task("trial.task", args=[1])
    app.close()
    with redis.Redis.from_url(address.redis_url(database=3)) as client:
        assert client.llen("celery") == 1


def test_a_killed_server_keeps_its_keys(valkey: EmbeddedValkey, home: Path):
    with redis.Redis.from_url(valkey.start().redis_url()) as client:
        client.mset({f"key:{number}": number for number in range(1000)})
    running = valkey.running()
    assert running
    assert running.pid
    os.kill(running.pid, signal.SIGKILL)
    valkey.stop()
    assert processes_in(home) == []
    with redis.Redis.from_url(valkey.start().redis_url()) as client:
        assert client.dbsize() == 1000


def test_a_stop_leaves_no_process_and_keeps_the_keys(valkey: EmbeddedValkey, home: Path):
    with redis.Redis.from_url(valkey.start().redis_url()) as client:
        client.set("key", "value")
    valkey.stop()
    assert processes_in(home) == []
    with redis.Redis.from_url(valkey.start().redis_url(), decode_responses=True) as client:
        assert client.get("key") == "value"

"""Where the broker is, and what Celery makes of it."""

import inspect
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from caravan.core.outbox import BrokerMissingError, EventRef, Policy, broker
from caravan.core.outbox.broker import broker_url
from caravan.core.outbox.celery_app import CelerySender, make_celery, register_tasks
from caravan.core.outbox.errors import BrokerExtraMissingError
from caravan.core.settings import Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def settings(**given: str) -> Settings:
    return Settings(_env_file=None).model_copy(update=given)


@pytest.mark.parametrize(
    ("given", "socket", "url"),
    [
        ({"broker_url": "amqp://mq//", "redis_url": "redis://cache"}, "/s", "amqp://mq//"),
        ({"redis_url": "rediss://cache:6380/2"}, "/s", "rediss://cache:6380/2"),
        ({"redis_url": "unix:///run/redis.sock"}, None, "redis+socket:///run/redis.sock?virtual_host=0"),
        (
            {"redis_url": "unix://:pw@/run/redis.sock?db=3"},
            None,
            "redis+socket://:pw@/run/redis.sock?virtual_host=3",
        ),
        ({}, "/a b/valkey.sock", "redis+socket:///a%20b/valkey.sock?virtual_host=0"),
    ],
)
def test_the_broker_is_the_named_one_else_redis_else_the_embedded(
    given: dict[str, str], socket: str | None, url: str
) -> None:
    assert broker_url(settings(**given), Path(socket) if socket else None) == url


def test_no_broker_is_said_plainly() -> None:
    with pytest.raises(BrokerMissingError, match="BROKER_URL"):
        make_celery(settings())


def test_tasks_are_acknowledged_late_and_their_results_kept_by_nobody() -> None:
    app = make_celery(settings(), valkey_socket=Path("/run/valkey.sock"))
    conf = app.conf
    assert conf.task_acks_late is conf.task_reject_on_worker_lost is conf.task_ignore_result is True
    assert conf.worker_prefetch_multiplier == 1
    assert conf.broker_transport_options["visibility_timeout"] > conf.task_time_limit
    assert make_celery(settings(broker_url="amqp://mq//")).conf.broker_transport_options == {
        "confirm_publish": True
    }


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The packages of the extra that are there: those that a test puts in."""
    there: set[str] = set()
    monkeypatch.setattr(broker, "find_spec", lambda name: object() if name in there else None)
    return there


def test_sqs_waits_for_messages_as_long_as_it_may(installed: set[str]) -> None:
    installed.update({"boto3", "pycurl", "urllib3"})
    app = make_celery(settings(broker_url="sqs://"))
    options = app.conf.broker_transport_options
    assert (options["wait_time_seconds"], options["visibility_timeout"] > app.conf.task_time_limit) == (
        20,
        True,
    )


def test_sqs_without_its_extra_is_said_plainly(installed: set[str]) -> None:
    installed.add("urllib3")
    with pytest.raises(BrokerExtraMissingError, match=r"`sqs`; not installed: boto3, pycurl\.") as refused:
        broker_url(settings(broker_url="sqs://key:secret@"))
    assert "secret" not in str(refused.value)
    assert "[sqs]" in refused.value.fix


class Work:
    def __init__(self) -> None:
        self.done: list[EventRef | datetime] = []

    def handle(self, ref: EventRef) -> None:
        self.done.append(ref)

    def show_life(self, sent: datetime) -> None:
        self.done.append(sent)


def test_what_is_sent_arrives_as_a_task_and_no_task_is_a_coroutine() -> None:
    policy = Policy(queue="somewhere")
    app = make_celery(settings(broker_url="memory://"), policy=policy)
    work = Work()
    register_tasks(app, work)
    refs = [EventRef(uuid4(), uuid4(), "test.noted") for _ in range(3)]
    sender = CelerySender(app, policy)
    sender.send(refs)
    sender.ping(NOW)
    tasks = {name: task for name, task in app.tasks.items() if name.startswith("caravan.")}
    assert not any(inspect.iscoroutinefunction(task.run) for task in tasks.values())
    with app.connection_for_read() as connection, connection.SimpleQueue("somewhere") as queue:
        for _ in range(4):
            message = queue.get(timeout=20)
            tasks[message.headers["task"]].run(*message.payload[0])
            message.ack()
    assert work.done == [*refs, NOW]

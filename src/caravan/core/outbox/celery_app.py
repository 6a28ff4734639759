"""Celery as the carrier: one task that handles an event, one that shows life; results are for nobody.

Tasks are synchronous shells: under ``@task`` an ``async def`` would never run, and say nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from celery import Celery
from kombu.entity import Queue

from caravan.core.outbox.broker import broker_url
from caravan.core.outbox.events import EventRef
from caravan.core.outbox.policy import Policy
from caravan.core.settings import Settings

__all__ = ["CelerySender", "Work", "make_celery", "register_tasks"]

HANDLE: Final = "caravan.outbox.handle"
HEARTBEAT: Final = "caravan.outbox.heartbeat"

_SEND_RETRIES: Final = {"max_retries": 2, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 0.5}


class Work(Protocol):
    """What a worker process does; it runs the use cases on its one event loop."""

    def handle(self, ref: EventRef) -> None: ...

    def show_life(self, sent: datetime) -> None: ...


def make_celery(
    settings: Settings, *, valkey_socket: Path | None = None, policy: Policy | None = None
) -> Celery:
    """Return the app, with its broker but without tasks: what a relay needs to send."""
    policy = policy or Policy()
    url = broker_url(settings, valkey_socket)
    app = Celery("caravan", broker=url, set_as_current=False)
    queue = Queue(policy.queue, routing_key=policy.queue, durable=True)  # type: ignore[no-untyped-call]  # no types
    app.conf.update(
        # A worker that connects again in place may never consume again (celery#8030, #10205): it ends, and the
        # supervisor starts another, which waits for the broker.
        broker_connection_retry=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(url),
        task_acks_late=True,
        task_create_missing_queues=False,
        task_default_queue=policy.queue,
        task_ignore_result=True,
        task_publish_retry_policy=_SEND_RETRIES,
        task_queues=[queue],
        task_reject_on_worker_lost=True,
        task_serializer="json",
        task_store_errors_even_if_ignored=False,
        task_time_limit=int(policy.visibility * 3),
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
    )
    return app


def register_tasks(app: Celery, work: Work) -> None:
    """Give the app its two tasks."""

    @app.task(name=HANDLE)  # type: ignore[untyped-decorator]  # Celery has no types
    def handle(org: str, event: str, name: str) -> None:
        work.handle(EventRef(UUID(org), UUID(event), name))

    @app.task(name=HEARTBEAT)  # type: ignore[untyped-decorator]  # Celery has no types
    def heartbeat(sent: str) -> None:
        work.show_life(datetime.fromisoformat(sent))


class CelerySender:
    """Sends to the broker on one connection; used by one thread at a time."""

    def __init__(self, app: Celery, policy: Policy) -> None:
        self._app = app
        self._policy = policy

    def send(self, refs: Sequence[EventRef]) -> None:
        """Send one task per event; raises kombu's ``OperationalError`` when the broker is not there."""
        with self._app.producer_or_acquire() as producer:
            for ref in refs:
                self._publish(producer, HANDLE, [str(ref.org), str(ref.id), ref.name])

    def ping(self, sent: datetime) -> None:
        """Send a heartbeat task, which says when it was sent."""
        with self._app.producer_or_acquire() as producer:
            self._publish(producer, HEARTBEAT, [sent.isoformat()])

    def _publish(self, producer: Any, task: str, arguments: list[str]) -> None:  # noqa: ANN401 - kombu has no types
        self._app.send_task(task, arguments, producer=producer, queue=self._policy.queue, ignore_result=True)


def _transport_options(url: str) -> dict[str, Any]:
    scheme = urlsplit(url).scheme
    if scheme.startswith("redis"):
        # Longer than any task may run; what a dead broker or worker swallowed, the outbox sends again much earlier.
        return {
            "visibility_timeout": 3600,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
        }
    if scheme.startswith("amqp"):
        return {"confirm_publish": True}
    if scheme == "sqs":
        # As above; and one long poll instead of many short ones, for each is paid for.
        return {"visibility_timeout": 3600, "wait_time_seconds": 20}
    return {}

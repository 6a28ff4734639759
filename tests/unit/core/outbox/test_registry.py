"""Handlers by event."""

from uuid import UUID, uuid4

import pytest

from caravan.core.clock import utc_now
from caravan.core.database import Role, WriteSession
from caravan.core.outbox import Event, handler
from caravan.core.outbox.errors import DuplicateHandlerError
from caravan.core.outbox.registry import handlers_of
from caravan.core.principal import PrincipalKind


async def one(session: WriteSession, event: Event) -> None:
    """Do nothing."""


async def two(session: WriteSession, event: Event) -> None:
    """Do nothing either."""


def test_handlers_of_an_event_are_known_by_name_with_their_role() -> None:
    handler("unit.a", name="z")(one)
    handler("unit.a", name="b", role=Role.SYSTEM)(two)
    assert [(each.name, each.function, each.role) for each in handlers_of("unit.a")] == [
        ("b", two, Role.SYSTEM),
        ("z", one, Role.APP),
    ]
    assert handlers_of("unit.unknown") == ()


def test_a_name_stands_for_one_function_however_often_its_module_is_read() -> None:
    handler("unit.b", name="x")(one)
    handler("unit.b", name="x")(one)
    with pytest.raises(DuplicateHandlerError, match=r"two.*one.*'x' of 'unit\.b'"):
        handler("unit.b", name="x")(two)


def test_a_handler_acts_as_a_service_within_the_tenancy_of_its_event() -> None:
    org, client = uuid4(), uuid4()
    event = Event(UUID(int=1), "unit.c", {}, org, client, None, "user:1", None, None, None, utc_now())
    principal = event.service("mailer", "manage_orders")
    assert (principal.kind, principal.org, principal.client) == (PrincipalKind.SERVICE, org, client)
    assert principal.may("manage_orders")
    assert not principal.may("manage_users")

"""Messages: asked for in a transaction, rendered in the reader's language, kept by the null provider."""

from uuid import UUID, uuid4

import pytest
import structlog

from caravan.core.principal import ANONYMOUS, Principal, PrincipalKind
from caravan.platform.messaging import request_message
from tests.fixtures.background import Background

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG, locale="fr-MA")
RESET = {"name": "Amal", "minutes": 60, "url": "https://example.com/reset"}


async def ask_for(background: Background, principal: Principal = USER, **changes: object) -> UUID:
    wanted: dict[str, object] = {
        "channel": "email",
        "to": "amal@example.com",
        "template": "password_reset",
        "variables": RESET,
        "idempotency_key": "reset-1",
    }
    async with background.connections.app.write(principal.org) as session:
        return await request_message(session, principal, **(wanted | changes))  # type: ignore[arg-type]  # one test passes a wrong one


async def test_the_null_provider_keeps_what_it_would_have_sent_and_says_so(background: Background) -> None:
    with structlog.testing.capture_logs() as lines:
        await ask_for(background)
        await background.settle()
    ((org, to, locale, subject, body),) = background.ask(
        "SELECT org_id, recipient, locale, subject, body FROM kept_messages"
    )
    assert (org, to, locale, subject) == (ORG, "amal@example.com", "fr", "Choisissez un nouveau mot de passe")
    assert body.startswith("Bonjour Amal,")
    assert "https://example.com/reset" in body
    (line,) = [line for line in lines if line["event"] == "message.not_sent"]
    assert line["reason"] == "the null provider is chosen: CARAVAN_EMAIL_PROVIDER=null"
    assert "amal" not in str(line)


async def test_a_second_request_with_the_same_key_sends_nothing(background: Background) -> None:
    for _ in range(2):
        await ask_for(background)
    await background.settle()
    assert background.ask("SELECT count(*) FROM kept_messages") == [(1,)]
    assert background.ask("SELECT DISTINCT state FROM outbox") == [("done",)]


async def test_a_message_of_no_tenant_is_kept_too(background: Background) -> None:
    await ask_for(background, ANONYMOUS, channel="sms", to="+1 555 0100")
    await background.settle()
    rows = background.ask("SELECT org_id, subject, body FROM kept_messages")
    assert rows == [(UUID(int=0), None, "Choose a new password within 60 minutes: https://example.com/reset")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"template": "no_such"}, "There is no template 'no_such' for email."),
        ({"channel": "pigeon"}, "There is no channel 'pigeon'; there are email, sms."),
        ({"variables": {}}, "The template 'password_reset' for email: 'name' is undefined"),
    ],
)
async def test_a_message_that_cannot_be_written_is_parked_with_its_reason(
    background: Background, changes: dict[str, object], reason: str
) -> None:
    event = await ask_for(background, **changes)
    await background.settle()
    assert background.ask("SELECT state, reason FROM outbox WHERE id = %s", event) == [
        ("parked", f"ParkError: {reason}")
    ]


async def test_another_tenant_sees_no_kept_messages(background: Background) -> None:
    await ask_for(background)
    await background.settle()
    for org, count in ((ORG, 1), (uuid4(), 0), (None, 0)):
        async with background.connections.app.read(org) as session:
            connection = await session.connection()
            assert (
                await connection.exec_driver_sql("SELECT count(*) FROM kept_messages")
            ).scalar_one() == count

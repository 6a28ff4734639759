"""Secrets of clients are never written down; what that means for a pair that is to be asked again after a restart."""

from collections.abc import Iterator

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.gateway.tap import Copy
from tests.integration.migration.conductor.conducting import ORDERS, Shop, copy, saying, shop
from tests.integration.migration.conductor.test_conducting import judged
from tests.integration.migration.conductor.test_people import WITHOUT, hand
from tests.integration.migration.gateway.running import Side, eventually, side

TOKEN = b"Bearer planted-0123456789"


@pytest.fixture
def old() -> Iterator[Side]:
    with side(saying(ORDERS)) as running:
        yield running


@pytest.fixture
def new() -> Iterator[Side]:
    with side(saying(WITHOUT)) as running:
        yield running


@pytest.fixture
def shopped(module_database: DatabaseAddress, old: Side, new: Side) -> Iterator[Shop]:
    with shop(module_database, old.url, new.url) as made:
        made.advance("contracted", "replayed")
        yield made


def signed(number: int) -> Copy:
    """A request of somebody who is logged in; all are of one length."""
    given = copy(f"client-{number:04}")
    return given._replace(
        request=given.request.replace(b"\r\n\r\n", b"\r\nAuthorization: %s\r\n\r\n" % TOKEN)
    )


def replayed(shopped: Shop, identity: str, outcome: str) -> str:
    """Ask for a replay and wait for this outcome; returns what was said of it."""
    hand(shopped).replay(identity)

    def said() -> str | None:
        found = next(one.replay for one in shopped.seen().differences if one.id == identity)
        return found.said if found and (found.state, found.outcome) == ("done", outcome) else None

    return eventually(said)


def test_a_pair_without_its_secrets_is_not_asked_until_the_next_request_brings_them(
    shopped: Shop, old: Side, new: Side
) -> None:
    with shopped.conducted() as running:
        running.feed(*(signed(number) for number in range(150)))
        (difference,) = eventually(lambda: [one for one in shopped.seen().differences if one.reported])
        eventually(lambda: judged(shopped) == 150)
    with shopped.conducted() as again:
        eventually(lambda: again.conductor.ready)
        asked = len(old.requests), len(new.requests)
        said = replayed(shopped, difference.id, "unknown")
        assert "header Authorization of the example held secrets" in said
        assert "lost when the conductor started anew" in said
        assert said.endswith("the next request that differs here becomes the example: ask again then")
        assert (len(old.requests), len(new.requests)) == asked, "nobody is asked as a stranger"

        again.feed(*(signed(number) for number in range(150, 210)))
        eventually(lambda: judged(shopped) == 210)
        before = len(new.requests)
        again.feed(
            *(copy(method="POST") for _ in range(60))
        )  # the share of the extra load grows with what is served
        assert "9 of 9 pairs differ here" in replayed(shopped, difference.id, "always")
        assert len(new.requests) == before + 3
        assert {token for request in new.requests[before:] for token in request.values(b"authorization")} == {
            TOKEN
        }

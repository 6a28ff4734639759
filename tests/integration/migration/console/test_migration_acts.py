"""What people do on a migration's pages: each act once, by who may, with a reason, and the faster one is named."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.console import MIGRATION_FILES
from caravan.migration.units import NoGateways, Scope, connected, entries, stored_units
from tests.fixtures.answering_side import answering_side
from tests.fixtures.console import Console, add_person, browser_of, log_in, running_console, token_in
from tests.fixtures.migration_data import DIFFERENCE, fill_migration, migration_file

pytestmark = pytest.mark.asyncio
PLACE = "GET /orders/{id}\t$.total"


@dataclass(frozen=True)
class Shop:
    """A migration of its own for each test, in one console."""

    console: Console
    name: str

    @property
    def base(self) -> str:
        return f"/console/migrations/{self.name}"

    @property
    def unit(self) -> str:
        return f"{self.base}/units/orders"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Console]:
    async with running_console(module_database, tmp_path_factory.mktemp("console")) as made:
        await add_person(made, "owner@example.com")
        await add_person(made, "second@example.com", "org-admin")
        await add_person(made, "auditor@example.com", "org-staff")
        made.state.services["migration_publishers"] = lambda *_: NoGateways()
        yield made


@pytest.fixture(scope="module")
def side() -> Iterator[str]:
    with answering_side() as url:
        yield url


@pytest.fixture
def shop(console: Console, side: str) -> Shop:
    made = Shop(console, f"shop-{uuid4().hex[:8]}")
    config = migration_file(side, side, name=made.name)
    fill_migration(console.system.address, console.org, config)
    console.state.services[MIGRATION_FILES] = {(console.org, made.name): config}
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(console: Console) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(console) as client:
        await log_in(client)
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def second(console: Console) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(console) as client:
        await log_in(client, "second@example.com")
        yield client


async def sent(client: httpx2.AsyncClient, page: str, path: str, **form: object) -> httpx2.Response:
    token = token_in(await client.get(page))
    return await client.post(path, data={"form_token": token, **form})


def at(shop: Shop) -> tuple[int, float]:
    with connected(shop.console.system.address, read_only=True) as connection:
        values = stored_units(connection, Scope(shop.console.org, shop.name))["orders"].values
    return values.state, values.share


def phases(shop: Shop) -> list[str]:
    with connected(shop.console.system.address, read_only=True) as connection:
        return [f"{one.phase} {one.by}" for one in entries(connection, Scope(shop.console.org, shop.name))]


def wish(**more: object) -> dict[str, object]:
    return {"act": str(uuid4()), "seen_at": "canary:5", "back": "false", "reason": "bounds hold", **more}


async def test_a_promotion_moves_the_unit_and_the_same_form_twice_moves_it_once(
    shop: Shop, owner: httpx2.AsyncClient
) -> None:
    form = wish()
    for _ in range(2):
        answer = await sent(
            owner,
            f"{shop.unit}/ways/canary:25" if _ == 0 else shop.unit,
            f"{shop.unit}/ways/canary:25",
            **form,
        )
        assert (answer.status_code, answer.headers["location"]) == (303, shop.unit)
        assert at(shop) == (6, 0.25)
    assert sum(one.startswith("promotion Owner (user:") for one in phases(shop)) == 1


async def test_who_was_slower_is_told_who_was_faster(
    shop: Shop, owner: httpx2.AsyncClient, second: httpx2.AsyncClient
) -> None:
    await sent(owner, shop.unit, f"{shop.unit}/ways/shadow-read", **wish(back="true", reason="a smell"))
    assert at(shop) == (4, 0.0)
    answer = await sent(second, shop.unit, f"{shop.unit}/ways/canary:25", **wish())
    assert answer.status_code == 409
    assert "Somebody was faster. Owner (user:" in answer.text
    assert "moved orders to shadow-read" in answer.text


async def test_without_a_reason_nothing_moves(shop: Shop, owner: httpx2.AsyncClient) -> None:
    answer = await sent(owner, shop.unit, f"{shop.unit}/ways/canary:25", **wish(reason=" "))
    assert (answer.status_code, at(shop)) == (400, (6, 0.05))
    assert "Say why" in answer.text


async def test_without_the_file_the_page_says_what_to_do(shop: Shop, owner: httpx2.AsyncClient) -> None:
    shop.console.state.services[MIGRATION_FILES] = {}
    answer = await sent(owner, shop.unit, f"{shop.unit}/ways/canary:25", **wish())
    assert (answer.status_code, at(shop)) == (409, (6, 0.05))
    assert "CARAVAN_MIGRATION_FILES" in answer.text


async def test_a_held_unit_names_its_holder_and_is_let_go(
    shop: Shop, owner: httpx2.AsyncClient, second: httpx2.AsyncClient
) -> None:
    await sent(owner, shop.unit, f"{shop.unit}/hold", reason="payday")
    answer = await sent(second, shop.unit, f"{shop.unit}/hold", reason="me too")
    assert answer.status_code == 409
    assert "holds &#39;orders&#39; already: payday" in answer.text
    assert (await sent(second, shop.unit, f"{shop.unit}/release")).status_code == 303
    assert "Held by" not in (await owner.get(shop.unit)).text


async def test_a_difference_is_accepted_at_the_ticked_places_and_taken_back(
    shop: Shop, owner: httpx2.AsyncClient
) -> None:
    page = f"{shop.base}/differences/{DIFFERENCE}"
    until = (utc_now().date() + timedelta(days=20)).isoformat()
    form = {"place": [PLACE], "owner": "Finance", "reason": "bank rounding", "until": until}
    assert (await sent(owner, page, f"{page}/accept", **form)).headers["location"] == f"{shop.base}/accepted"
    listed = await owner.get(f"{shop.base}/accepted")
    for text in ("Finance", "bank rounding", until, "Blind spot: 1 of 100 leaves are not compared (1.0%)"):
        assert text in listed.text
    assert "mend the new side, or accept it" in (await owner.get(shop.base)).text
    withdraw = listed.text.split('action="')[-1].split('"')[0]
    assert (await sent(owner, f"{shop.base}/accepted", withdraw)).status_code == 303
    assert "Nothing is accepted" in (await owner.get(f"{shop.base}/accepted")).text


async def test_a_missing_member_is_accepted_and_a_length_is_refused_with_its_reason(
    shop: Shop, owner: httpx2.AsyncClient
) -> None:
    until = (utc_now().date() + timedelta(days=20)).isoformat()
    form = {"owner": "Finance", "reason": "notes are gone", "until": until}
    missing = f"{shop.base}/differences/00aa11bb22cc33dd"
    done = await sent(owner, missing, f"{missing}/accept", place=["GET /orders\t$[].note"], **form)
    assert done.headers["location"] == f"{shop.base}/accepted"
    assert "notes are gone" in (await owner.get(f"{shop.base}/accepted")).text
    scope = Scope(shop.console.org, shop.name)
    with connected(shop.console.system.address) as connection:
        connection.execute(
            "INSERT INTO engine.difference_groups (org_id, migration, id, unit, cause, kind, reported, members, example,"
            " first_at, last_at) SELECT org_id, migration, 'longer', unit, 'other length', 'length', true,"
            ' \'[["GET /orders", "$.lines", 9, 0, true]]\', example, now(), now() FROM engine.difference_groups'
            " WHERE org_id = %(org)s AND migration = %(migration)s AND id = '00aa11bb22cc33dd'",
            scope.parameters,
        )
    longer = f"{shop.base}/differences/longer"
    page = (await owner.get(longer)).text
    assert "with the length of an array whole elements would be hidden" in page
    assert "Accept the difference" not in page
    refused = await sent(owner, longer, f"{longer}/accept", place=["GET /orders\t$.lines"], **form)
    assert (refused.status_code, "This cannot be accepted" in refused.text) == (400, True)


async def test_a_held_unit_is_promoted_by_nobody(shop: Shop, owner: httpx2.AsyncClient) -> None:
    await sent(owner, shop.unit, f"{shop.unit}/hold", reason="payday")
    answer = await sent(owner, shop.unit, f"{shop.unit}/ways/canary:25", **wish())
    assert (answer.status_code, at(shop)) == (409, (6, 0.05))
    assert "holds &#39;orders&#39; where it is: payday" in answer.text


async def test_both_sides_are_asked_again_by_the_conductor_alone(
    shop: Shop, owner: httpx2.AsyncClient
) -> None:
    page = f"{shop.base}/differences/{DIFFERENCE}"
    assert (await sent(owner, page, f"{page}/replay")).headers["location"] == page
    assert "Both sides are asked again, for" in (await owner.get(page)).text
    async with browser_of(shop.console) as client:
        await log_in(client, "auditor@example.com")
        assert "Ask both sides again" not in (await client.get(page)).text
        assert (await sent(client, shop.base, f"{page}/replay")).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"owner": ""}, "Name an owner and a reason"),
        ({"until": "2020-01-01"}, "Choose a last day"),
        ({"until": "soon"}, "Choose a last day"),
        ({"place": []}, "Tick at least one place"),
    ],
)
async def test_an_acceptance_without_owner_reason_or_end_is_refused(
    shop: Shop, owner: httpx2.AsyncClient, wrong: dict[str, object], said: str
) -> None:
    page = f"{shop.base}/differences/{DIFFERENCE}"
    until = (utc_now().date() + timedelta(days=20)).isoformat()
    form = {"place": [PLACE], "owner": "Finance", "reason": "rounding", "until": until, **wrong}
    answer = await sent(owner, page, f"{page}/accept", **form)
    assert answer.status_code == 400
    assert said in answer.text
    assert 'value="rounding"' in answer.text


async def test_with_four_eyes_a_promotion_waits_for_a_second_person(
    shop: Shop, owner: httpx2.AsyncClient, second: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = shop.console.state.settings.model_copy(update={"conductor_four_eyes": True})
    monkeypatch.setattr(shop.console.state, "settings", settings)
    assert "A second person has to agree" in (await owner.get(f"{shop.unit}/ways/canary:25")).text
    form = wish()
    for _ in range(2):
        await sent(owner, shop.unit, f"{shop.unit}/ways/canary:25", **form)
    assert at(shop) == (6, 0.05)
    request = f"{shop.base}/requests/{form['act']}"
    own = await sent(owner, shop.unit, request, answer="agree")
    assert (own.status_code, at(shop)) == (403, (6, 0.05))
    assert (await sent(second, shop.unit, request, answer="agree")).headers["location"] == shop.unit
    assert at(shop) == (6, 0.25)
    late = await sent(owner, shop.unit, request, answer="refuse")
    assert late.status_code == 404
    assert "has settled it: done" in late.text


async def test_who_may_only_look_can_do_nothing(shop: Shop) -> None:
    async with browser_of(shop.console) as client:
        await log_in(client, "auditor@example.com")
        for path, form in (
            (f"{shop.unit}/ways/canary:25", wish()),
            (f"{shop.unit}/hold", {"reason": "no"}),
            (f"{shop.unit}/release", {}),
            (f"{shop.unit}/anew", {"reason": "no"}),
            (f"{shop.base}/differences/{DIFFERENCE}/accept", {"place": [PLACE]}),
            (f"{shop.base}/accepted/{uuid4()}/withdraw", {}),
            (f"{shop.base}/requests/{uuid4()}", {"answer": "agree"}),
        ):
            assert (path, (await sent(client, shop.base, path, **form)).status_code) == (path, 403)
    assert at(shop) == (6, 0.05)


async def test_a_form_of_somebody_elses_page_is_refused(shop: Shop, owner: httpx2.AsyncClient) -> None:
    answer = await owner.post(f"{shop.unit}/ways/canary:25", data={"form_token": "0" * 64, **wish()})
    assert (answer.status_code, at(shop)) == (403, (6, 0.05))


async def test_the_judgement_begins_anew_when_something_was_mended(
    shop: Shop, owner: httpx2.AsyncClient
) -> None:
    assert "Say what was mended" in (await sent(owner, shop.unit, f"{shop.unit}/anew")).text
    assert (await sent(owner, shop.unit, f"{shop.unit}/anew", reason="rounding")).status_code == 303
    assert phases(shop)[-1].startswith("judgement begins anew Owner")

"""ETag and If-Match: who changes an organisation, client, project, user or membership says which state they saw."""

import asyncio
from uuid import uuid4

import httpx2
import pytest

from tests.integration.platform.identity.conftest import PASSWORD, Api

pytestmark = pytest.mark.asyncio

KINDS = ("organisations", "clients", "projects", "users", "memberships")


class Desk:
    """An administrator with one resource of a kind in front of them, and a change they can make to it."""

    def __init__(self, api: Api, bearer: dict[str, str], place: str, change: dict[str, str]) -> None:
        self.api, self.bearer, self.place, self.change = api, bearer, place, change

    async def read(self, **headers: str) -> httpx2.Response:
        return await self.api.client.get(self.place, headers=self.bearer | headers)

    async def tag(self) -> str:
        return (await self.read()).headers["ETag"]

    async def write(self, condition: str | None = None, **headers: str) -> httpx2.Response:
        given = {"If-Match": condition} if condition is not None else {}
        return await self.api.client.patch(
            self.place, json=self.change, headers=self.bearer | given | headers
        )


async def desk(api: Api, kind: str) -> Desk:
    person = await api.world.person()
    bearer = await api.bearer(person)
    if kind == "organisations":
        return Desk(api, bearer, f"/api/v1/organisations/{person.org}", {"name": "Renamed"})
    bodies: dict[str, dict[str, str]] = {
        "clients": {"name": "Shop"},
        "projects": {"code": "P1", "name": "One"},
        "users": {"email": f"{uuid4().hex}@example.com", "display_name": "Ada", "password": PASSWORD},
        "memberships": {"user": (await api.world.person()).email, "role": "user"},
    }
    changes = {"users": {"display_name": "Grace"}, "memberships": {"role": "org-staff"}}
    made = await api.client.post(
        f"/api/v1/{kind}", json=bodies[kind], headers=bearer | {"Idempotency-Key": str(uuid4())}
    )
    place = f"/api/v1/{kind}/{made.json()['data']['id']}"
    found = Desk(api, bearer, place, changes.get(kind, {"name": "Renamed"}))
    assert made.headers["ETag"] == await found.tag()
    return found


def refused(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_change_without_if_match_is_refused_and_changes_nothing(api: Api, kind: str) -> None:
    admin = await desk(api, kind)
    before = await admin.read()
    assert refused(await admin.write()) == (428, "precondition_required")
    assert (await admin.read()).json() == before.json()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_change_answers_with_the_new_tag_and_the_old_one_is_stale(api: Api, kind: str) -> None:
    admin = await desk(api, kind)
    seen = await admin.tag()
    changed = await admin.write(seen)
    assert changed.status_code == 200
    assert changed.headers["ETag"] == await admin.tag() != seen
    assert refused(await admin.write(seen)) == (412, "precondition_failed")
    assert (await admin.read()).json()["data"] == changed.json()["data"]


@pytest.mark.parametrize(
    ("condition", "status"),
    [("*", 200), ('"other", {}', 200), ("W/{}", 412), ('"other"', 412), ("not a tag", 412), ("", 412)],
)
async def test_if_match_takes_a_list_of_strong_tags_or_a_star(api: Api, condition: str, status: int) -> None:
    admin = await desk(api, "clients")
    assert (await admin.write(condition.format(await admin.tag()))).status_code == status


async def test_of_two_who_saw_the_same_state_one_wins(api: Api) -> None:
    admin = await desk(api, "projects")
    seen = await admin.tag()
    answers = await asyncio.gather(*(admin.write(seen) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_a_retry_with_its_key_gets_the_first_answer_although_the_tag_is_stale_by_then(api: Api) -> None:
    admin = await desk(api, "clients")
    seen, key = await admin.tag(), {"Idempotency-Key": str(uuid4())}
    first, again = await admin.write(seen, **key), await admin.write(seen, **key)
    assert (again.status_code, again.headers["ETag"]) == (200, first.headers["ETag"])


async def test_who_has_the_state_already_is_told_so_without_a_body(api: Api) -> None:
    admin = await desk(api, "users")
    tag = await admin.tag()
    for condition in (tag, f"W/{tag}", "*"):
        known = await admin.read(**{"If-None-Match": condition})
        assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
    await admin.write(tag)
    assert (await admin.read(**{"If-None-Match": tag})).status_code == 200


async def test_a_membership_is_ended_by_who_saw_its_state(api: Api) -> None:
    admin = await desk(api, "memberships")
    seen = await admin.tag()
    await admin.write(seen)
    ends = [
        await api.client.delete(admin.place, headers=admin.bearer | given)
        for given in ({}, {"If-Match": seen}, {"If-Match": await admin.tag()})
    ]
    assert [answer.status_code for answer in ends] == [428, 412, 200]


async def test_what_is_not_yours_is_not_found_whatever_the_condition(api: Api) -> None:
    admin, stranger = await desk(api, "users"), await api.bearer(await api.world.person())
    for given in ({}, {"If-Match": "*"}, {"If-Match": await admin.tag()}):
        answer = await api.client.patch(admin.place, json=admin.change, headers=stranger | given)
        assert refused(answer) == (404, "not_found")


async def test_two_administrators_who_leave_at_once_do_not_wait_for_each_other(api: Api) -> None:
    first = await api.world.person()
    second = await api.world.person(org=first.org_code)
    bearer = await api.bearer(first)
    listed = (await api.client.get("/api/v1/memberships", headers=bearer)).json()["data"]
    assert {entry["user_id"] for entry in listed} == {str(first.id), str(second.id)}
    ends = await asyncio.gather(
        *(
            api.client.delete(f"/api/v1/memberships/{entry['id']}", headers=bearer | {"If-Match": "*"})
            for entry in listed
        )
    )
    assert sorted(answer.status_code for answer in ends) == [200, 409]


async def test_revoking_a_key_needs_no_condition_for_there_is_only_one_way_it_can_change(api: Api) -> None:
    bearer = await api.bearer(await api.world.person())
    made = await api.client.post(
        "/api/v1/api-keys",
        json={"name": "till", "scopes": ["view_usage"]},
        headers=bearer | {"Idempotency-Key": str(uuid4())},
    )
    ended = await api.client.delete(
        f"/api/v1/api-keys/{made.json()['data']['api_key']['id']}", headers=bearer
    )
    assert ended.status_code == 200

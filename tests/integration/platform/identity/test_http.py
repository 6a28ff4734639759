"""Identity over HTTP: from the first log-in to the last revocation."""

import hashlib
from uuid import uuid4

import httpx2
import jwt
import pyotp
import pytest

from caravan.core.http import RouteRule, route_rules
from caravan.platform.identity.routes import routers
from tests.integration.platform.identity.conftest import PASSWORD, Api, Person

pytestmark = pytest.mark.asyncio


def once() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


async def seen(api: Api, place: str, bearer: dict[str, str]) -> dict[str, str]:
    """Headers of a change by somebody who has just read what they change."""
    return bearer | {"If-Match": (await api.client.get(place, headers=bearer)).headers["ETag"]}


def refused(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


async def test_a_session_from_log_in_to_log_out(api: Api) -> None:
    person = await api.world.person()
    credentials = {"identifier": person.email, "password": PASSWORD}
    answer = await api.client.post("/api/v1/auth/login", json=credentials, headers={"User-Agent": "till/1"})
    assert answer.status_code == 200
    tokens = answer.json()["data"]
    assert (tokens["token_type"], tokens["scopes"], tokens["org_id"]) == (
        "Bearer",
        ["admin"],
        str(person.org),
    )
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = (await api.client.get("/api/v1/me", headers=bearer)).json()["data"]
    assert (me["kind"], me["id"], me["session_id"]) == ("user", str(person.id), tokens["session_id"])
    sessions = (await api.client.get("/api/v1/auth/sessions", headers=bearer)).json()["data"]
    assert [(entry["user_agent"], entry["current"]) for entry in sessions] == [("till/1", True)]
    renewed = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert renewed.json()["data"]["session_id"] == tokens["session_id"]
    again = await api.client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refused(again) == (401, "refresh_reused")
    out = await api.client.post("/api/v1/auth/logout", json={}, headers=bearer)
    assert out.status_code == 200
    api.credentials.forget_all()
    assert refused(await api.client.get("/api/v1/me", headers=bearer)) == (401, "token_invalid")


async def test_wrong_and_missing_log_ins_have_stable_codes(api: Api) -> None:
    person = await api.world.person()
    wrong = await api.client.post("/api/v1/auth/login", json={"identifier": person.email, "password": "no"})
    assert refused(wrong) == (401, "invalid_credentials")
    assert wrong.headers["WWW-Authenticate"] == "Bearer"
    assert refused(await api.client.get("/api/v1/me")) == (401, "unauthenticated")
    for token, code in (("nonsense", "token_malformed"), ("a.b.c", "token_malformed")):
        answer = await api.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert refused(answer) == (401, code)
    for body in (
        {"identifier": "a\x00b", "password": PASSWORD},
        {"identifier": person.email},
        {"identifier": "x" * 999, "password": PASSWORD},
        {"identifier": person.email, "password": PASSWORD, "admin": True},
    ):
        assert refused(await api.client.post("/api/v1/auth/login", json=body)) == (422, "request_invalid")


async def test_a_second_factor_over_http(api: Api) -> None:
    person = await api.world.person()
    bearer = await api.bearer(person)
    setup = (await api.client.post("/api/v1/auth/totp/setup", headers=bearer)).json()["data"]
    clock = api.world.clock
    code = pyotp.TOTP(setup["secret"]).at(clock())
    enabled = await api.client.post("/api/v1/auth/totp/enable", json={"code": code}, headers=bearer)
    codes = enabled.json()["data"]["recovery_codes"]
    credentials = {"identifier": person.email, "password": PASSWORD}
    missing = await api.client.post("/api/v1/auth/login", json=credentials)
    assert refused(missing) == (401, "totp_required")
    wrong = await api.client.post("/api/v1/auth/login", json=credentials | {"code": "0"})
    assert refused(wrong) == (400, "totp_code_invalid")
    assert (
        await api.client.post("/api/v1/auth/login", json=credentials | {"code": codes[0]})
    ).status_code == 200
    off = await api.client.post("/api/v1/auth/totp/disable", json={"code": codes[1]}, headers=bearer)
    assert off.status_code == 200
    assert (await api.client.post("/api/v1/auth/login", json=credentials)).status_code == 200


async def test_sessions_are_ended_over_http(api: Api) -> None:
    person = await api.world.person()
    bearer, other = await api.bearer(person), await api.world.log_in(person)
    ended = await api.client.delete(f"/api/v1/auth/sessions/{other.session}", headers=bearer)
    assert ended.status_code == 200
    assert refused(await api.client.delete(f"/api/v1/auth/sessions/{uuid4()}", headers=bearer)) == (
        404,
        "not_found",
    )
    await api.world.log_in(person)
    answer = await api.client.delete("/api/v1/auth/sessions", headers=bearer)
    assert answer.json()["data"] == {"ended": 1}


async def test_a_password_is_changed_and_reset_over_http(api: Api) -> None:
    person = await api.world.person()
    bearer = await api.bearer(person)
    body = {"current": PASSWORD, "new": "another long password"}
    assert (await api.client.post("/api/v1/me/password", json=body, headers=bearer)).status_code == 200
    for name in (person.email, "nobody@example.com"):
        answer = await api.client.post("/api/v1/auth/password-reset", json={"identifier": name})
        assert answer.status_code == 202
    confirm = {"token": "unknown", "password": "another long password"}
    answer = await api.client.post("/api/v1/auth/password-reset/confirm", json=confirm)
    assert refused(answer) == (400, "reset_token_invalid")


async def test_the_published_keys_verify_a_token(api: Api) -> None:
    issued = await api.world.log_in(await api.world.person())
    published = jwt.PyJWKSet.from_dict((await api.client.get("/.well-known/jwks.json")).json())
    header = jwt.get_unverified_header(issued.access_token)
    claims = jwt.decode(
        issued.access_token, published[header["kid"]], algorithms=["EdDSA"], audience="caravan"
    )
    assert claims["sid"] == str(issued.session)


async def test_organisations_clients_and_projects_over_http(api: Api) -> None:
    person = await api.world.person()
    bearer = await api.bearer(person)
    made = await api.client.post(
        "/api/v1/organisations",
        json={"code": f"o-{uuid4().hex[:8]}", "name": "Second"},
        headers=bearer | once(),
    )
    assert made.status_code == 201
    listed = (await api.client.get("/api/v1/organisations", headers=bearer)).json()["data"]
    assert {entry["id"] for entry in listed} == {made.json()["data"]["id"], str(person.org)}
    own = f"/api/v1/organisations/{person.org}"
    renamed = await api.client.patch(own, json={"name": "Mine"}, headers=await seen(api, own, bearer))
    assert renamed.json()["data"]["name"] == "Mine"
    assert (await api.client.get(own, headers=bearer)).json()["data"]["name"] == "Mine"
    other = f"/api/v1/organisations/{made.json()['data']['id']}"
    assert refused(await api.client.get(other, headers=bearer)) == (404, "not_found")

    body = {"code": "shop", "name": "Shop"}
    client = await api.client.post("/api/v1/clients", json=body, headers=bearer | once())
    assert client.status_code == 201
    again = await api.client.post("/api/v1/clients", json=body, headers=bearer | once())
    assert refused(again) == (409, "code_taken")
    assert refused(await api.client.post("/api/v1/clients", json=body, headers=bearer)) == (
        400,
        "idempotency_key_missing",
    )
    shop = "/api/v1/clients/shop"
    await api.client.patch(shop, json={"name": "Store"}, headers=await seen(api, shop, bearer))
    found = await api.client.get(shop, headers=bearer)
    assert found.json()["data"]["name"] == "Store"
    page = (await api.client.get("/api/v1/clients?limit=1", headers=bearer)).json()
    assert (len(page["data"]), page["pagination"]) == (1, {"limit": 1, "next": None})

    body = {"code": "P1", "name": "One", "client": "shop"}
    project = await api.client.post("/api/v1/projects", json=body, headers=bearer | once())
    assert project.json()["data"]["client_id"] == client.json()["data"]["id"]
    one = "/api/v1/projects/P1"
    await api.client.patch(one, json={"name": "Uno"}, headers=await seen(api, one, bearer))
    assert (await api.client.get(one, headers=bearer)).json()["data"]["name"] == "Uno"
    listed = (await api.client.get("/api/v1/projects?client=shop", headers=bearer)).json()["data"]
    assert [entry["code"] for entry in listed] == ["P1"]


async def test_members_over_http(api: Api) -> None:
    person, guest = await api.world.person(), await api.world.person()
    bearer = await api.bearer(person)
    email = f"{uuid4().hex}@example.com"
    body = {"email": email, "display_name": "Ada", "password": PASSWORD, "role": "org-staff"}
    made = await api.client.post("/api/v1/users", json=body, headers=bearer | once())
    assert made.status_code == 201
    user = made.json()["data"]["id"]
    assert "password" not in {key for key in made.json()["data"] if key != "must_change_password"}
    assert (await api.client.get(f"/api/v1/users/{user}", headers=bearer)).json()["data"]["email"] == email
    listed = (await api.client.get("/api/v1/users", headers=bearer)).json()["data"]
    assert {entry["id"] for entry in listed} == {user, str(person.id)}
    ada = f"/api/v1/users/{user}"
    for disabled in (True, False):
        change = {"disabled": disabled}
        answer = await api.client.patch(ada, json=change, headers=await seen(api, ada, bearer))
        assert (answer.json()["data"]["disabled_at"] is not None) is disabled
    change = {"display_name": "Grace"}
    renamed = await api.client.patch(ada, json=change, headers=await seen(api, ada, bearer))
    assert renamed.json()["data"]["display_name"] == "Grace"
    assert (await api.client.delete(f"/api/v1/users/{user}/totp", headers=bearer)).status_code == 200

    for name, status in ((guest.email, 201), (str(guest.id), 409)):
        body = {"user": name, "role": "user"}
        added = await api.client.post("/api/v1/memberships", json=body, headers=bearer | once())
        assert added.status_code == status
    members = (await api.client.get("/api/v1/memberships", headers=bearer)).json()["data"]
    target = next(entry for entry in members if entry["user_id"] == str(guest.id))
    place = f"/api/v1/memberships/{target['id']}"
    change = {"role": "org-staff"}
    changed = await api.client.patch(place, json=change, headers=await seen(api, place, bearer))
    assert changed.json()["data"]["role"] == "org-staff"
    assert (await api.client.get(place, headers=bearer)).json()["data"]["role"] == "org-staff"
    assert (await api.client.delete(place, headers=bearer | {"If-Match": changed.headers["ETag"]})).is_success
    assert refused(await api.client.get(place, headers=bearer)) == (404, "not_found")


async def test_an_api_key_is_shown_once_and_ends_when_revoked(api: Api) -> None:
    bearer = await api.bearer(await api.world.person())
    key = once()
    body = {"name": "till", "scopes": ["manage_members"]}
    made = await api.client.post("/api/v1/api-keys", json=body, headers=bearer | key)
    assert made.status_code == 201
    text, key_id = made.json()["data"]["key"], made.json()["data"]["api_key"]["id"]
    again = await api.client.post("/api/v1/api-keys", json=body, headers=bearer | key)
    assert refused(again) == (409, "already_created")
    with_key = {"Authorization": f"Bearer {text}"}
    listed = (await api.client.get("/api/v1/api-keys", headers=with_key)).json()["data"]
    assert [entry["id"] for entry in listed] == [key_id]
    assert text not in str(listed)
    found = await api.client.get(f"/api/v1/api-keys/{key_id}", headers=bearer)
    assert found.json()["data"]["last_used_at"] is not None
    assert refused(await api.client.get("/api/v1/auth/sessions", headers=with_key)) == (403, "forbidden")
    revoked = await api.client.delete(f"/api/v1/api-keys/{key_id}", headers=bearer)
    assert revoked.json()["data"]["revoked_at"] is not None
    api.credentials.forget_all()
    assert refused(await api.client.get("/api/v1/api-keys", headers=with_key)) == (401, "api_key_invalid")


async def test_headers_choose_among_the_callers_organisations(api: Api) -> None:
    person, stranger = await api.world.person(), await api.world.person()
    second, _, _ = await api.world.organisation()
    await api.world.change(
        "INSERT INTO memberships (org_id, id, user_id, role) VALUES (:org, gen_random_uuid(), :user, 'org-staff')",
        org=second,
        user=person.id,
    )
    bearer = await api.bearer(person)
    assert refused(await api.client.get("/api/v1/clients", headers=bearer)) == (400, "org_required")
    chosen = bearer | {"X-Caravan-Org": person.org_code}
    assert (await api.client.get("/api/v1/clients", headers=chosen)).status_code == 200
    staff = bearer | {"X-Caravan-Org": str(second)}
    assert refused(await api.client.get("/api/v1/users", headers=staff)) == (403, "forbidden")
    outside = bearer | {"X-Caravan-Org": stranger.org_code}
    assert refused(await api.client.get("/api/v1/clients", headers=outside)) == (404, "not_found")


async def test_an_invitation_over_http(api: Api) -> None:
    bearer = await api.bearer(await api.world.person())
    body = {"email": f"{uuid4().hex}@example.com", "role": "org-staff"}
    made = await api.client.post("/api/v1/invites", json=body, headers=bearer | once())
    assert made.status_code == 201
    place = f"/api/v1/invites/{made.json()['data']['id']}"
    assert (await api.client.delete(place, headers=bearer)).json()["data"]["revoked_at"] is not None
    listed = (await api.client.get("/api/v1/invites", headers=bearer)).json()["data"]
    assert [entry["email"] for entry in listed] == [body["email"]]
    digest = hashlib.sha256(b"open").digest()
    await api.world.change(
        "UPDATE invites SET revoked_at = NULL, token_hash = :hash WHERE email = :email",
        hash=digest,
        email=body["email"],
    )
    accept = {"token": "open", "password": PASSWORD, "display_name": "Ada"}
    for status in (200, 400):
        answer = await api.client.post("/api/v1/auth/invites/accept", json=accept)
        assert answer.status_code == status


async def test_a_reset_is_confirmed_over_http(api: Api) -> None:
    person = await api.world.person()
    await api.world.change(
        "INSERT INTO password_resets (id, user_id, token_hash, expires_at)"
        " VALUES (gen_random_uuid(), :user, :hash, now() + interval '1 hour')",
        user=person.id,
        hash=hashlib.sha256(person.id.bytes.hex().encode()).digest(),
    )
    confirm = {"token": person.id.bytes.hex(), "password": "another long password"}
    assert (await api.client.post("/api/v1/auth/password-reset/confirm", json=confirm)).status_code == 200


RULES = [rule for rule in route_rules(routers()) if not rule.public]


def path_of(template: str) -> str:
    for name in ("session_id", "organisation_id", "user_id", "membership_id", "api_key_id", "invite_id"):
        template = template.replace("{" + name + "}", str(uuid4()))
    return template.replace("{client}", "nowhere").replace("{project}", "nowhere")


@pytest.mark.parametrize("rule", RULES, ids=[f"{rule.method} {rule.path}" for rule in RULES])
async def test_every_guarded_route_asks_who_and_whether(api: Api, rule: RouteRule) -> None:
    method, path, scopes = rule.method, path_of(rule.path), rule.scopes
    body = {"json": {}} if method in {"POST", "PATCH"} else {}
    assert refused(await api.client.request(method, path, **body)) == (401, "unauthenticated")
    if scopes:
        weak: Person = await api.world.person("group-viewer")
        answer = await api.client.request(method, path, headers=await api.bearer(weak) | once(), **body)
        assert refused(answer) in {(403, "forbidden"), (422, "request_invalid")}

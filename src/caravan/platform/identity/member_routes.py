"""Users, memberships and API keys over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from caravan.core.http import (
    Envelope,
    Page,
    Read,
    Write,
    answers_with_secret,
    api_router,
    envelope,
    guard,
    page,
)
from caravan.core.http.conditions import CREATES, ENDS, READS, WRITES, Conditional
from caravan.core.paging import DEFAULT_LIMIT, MAX_LIMIT, CursorError
from caravan.core.principal import NotFoundError, Principal
from caravan.platform.identity.api_keys import create_api_key, get_api_key, list_api_keys, revoke_api_key
from caravan.platform.identity.errors import (
    ApiKeyScopesError,
    EmailTakenError,
    LastAdminError,
    MemberExistsError,
    PasswordTooWeakError,
    RoleUnknownError,
    UserElsewhereError,
    UsernameTakenError,
)
from caravan.platform.identity.memberships import (
    add_membership,
    end_membership,
    get_membership,
    list_memberships,
    update_membership,
)
from caravan.platform.identity.schemas import (
    ApiKeyCreated,
    ApiKeyIn,
    ApiKeyOut,
    MembershipChange,
    MembershipIn,
    MembershipOut,
    UserChangeIn,
    UserIn,
    UserOut,
)
from caravan.platform.identity.users import (
    NewUser,
    UserChange,
    create_user,
    disable_user,
    enable_user,
    get_user,
    list_users,
    reset_second_factor,
    update_user,
)
from caravan.platform.identity.wiring import Parts

__all__ = ["api_keys", "memberships", "users"]

_LISTS = (CursorError, NotFoundError)
_GRANTS = (RoleUnknownError, *_LISTS)
users = api_router(
    "users",
    prefix="/api/v1/users",
    errors=(EmailTakenError, UsernameTakenError, PasswordTooWeakError, UserElsewhereError, *_GRANTS),
)
memberships = api_router(
    "memberships", prefix="/api/v1/memberships", errors=(MemberExistsError, LastAdminError, *_GRANTS)
)
api_keys = api_router("api-keys", prefix="/api/v1/api-keys", errors=(ApiKeyScopesError, *_LISTS))

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]
_MANAGE = "manage_members"


@users.get("", operation_id="listUsers")
async def all_users(
    session: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, caller: Principal = guard(_MANAGE)
) -> Page[UserOut]:
    found = await list_users(session, caller, limit=limit, cursor=cursor)
    rows = [UserOut.model_validate(row) for row in found.items]
    return page(rows, limit=limit, following=found.following)


@users.post("", operation_id="createUser", status_code=201, **CREATES)
async def new_user(
    body: UserIn,
    session: Write,
    identity: Parts,
    conditions: Conditional,
    caller: Principal = guard(_MANAGE),
) -> Envelope[UserOut]:
    made = await create_user(session, caller, identity.passwords, NewUser(**body.model_dump()))
    return conditions.answer(UserOut.model_validate(made))


@users.get("/{user_id}", operation_id="getUser", **READS)
async def one_user(
    user_id: UUID, session: Read, conditions: Conditional, caller: Principal = guard(_MANAGE)
) -> Envelope[UserOut]:
    return conditions.answer(UserOut.model_validate(await get_user(session, caller, user_id)))


@users.patch("/{user_id}", operation_id="updateUser", **WRITES)
async def change_user(
    user_id: UUID,
    body: UserChangeIn,
    session: Write,
    identity: Parts,
    conditions: Conditional,
    caller: Principal = guard(_MANAGE),
) -> Envelope[UserOut]:
    change = UserChange(**body.model_dump(exclude={"disabled"}))
    user = await update_user(session, caller, user_id, change, expect=conditions.expect(UserOut))
    if body.disabled is True:
        user = await disable_user(session, caller, user_id, now=identity.clock())
    elif body.disabled is False:
        user = await enable_user(session, caller, user_id)
    return conditions.answer(UserOut.model_validate(user))


@users.delete("/{user_id}/totp", operation_id="resetSecondFactor")
async def reset_totp(user_id: UUID, session: Write, caller: Principal = guard(_MANAGE)) -> Envelope[UserOut]:
    return envelope(UserOut.model_validate(await reset_second_factor(session, caller, user_id)))


@memberships.get("", operation_id="listMemberships")
async def all_memberships(
    session: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, caller: Principal = guard(_MANAGE)
) -> Page[MembershipOut]:
    found = await list_memberships(session, caller, limit=limit, cursor=cursor)
    rows = [MembershipOut.model_validate(row) for row in found.items]
    return page(rows, limit=limit, following=found.following)


@memberships.post("", operation_id="createMembership", status_code=201, **CREATES)
async def new_membership(
    body: MembershipIn, session: Write, conditions: Conditional, caller: Principal = guard(_MANAGE)
) -> Envelope[MembershipOut]:
    made = await add_membership(
        session,
        caller,
        user=_id_or_email(body.user),
        role=body.role,
        permissions=body.permissions,
        client=body.client,
    )
    return conditions.answer(MembershipOut.model_validate(made))


@memberships.get("/{membership_id}", operation_id="getMembership", **READS)
async def one_membership(
    membership_id: UUID, session: Read, conditions: Conditional, caller: Principal = guard(_MANAGE)
) -> Envelope[MembershipOut]:
    found = await get_membership(session, caller, membership_id)
    return conditions.answer(MembershipOut.model_validate(found))


@memberships.patch("/{membership_id}", operation_id="updateMembership", **WRITES)
async def change_membership(
    membership_id: UUID,
    body: MembershipChange,
    session: Write,
    conditions: Conditional,
    caller: Principal = guard(_MANAGE),
) -> Envelope[MembershipOut]:
    changed = await update_membership(
        session,
        caller,
        membership_id,
        role=body.role,
        permissions=body.permissions,
        expect=conditions.expect(MembershipOut),
    )
    return conditions.answer(MembershipOut.model_validate(changed))


@memberships.delete("/{membership_id}", operation_id="endMembership", **ENDS)
async def remove_membership(
    membership_id: UUID, session: Write, conditions: Conditional, caller: Principal = guard(_MANAGE)
) -> Envelope[None]:
    await end_membership(session, caller, membership_id, expect=conditions.expect(MembershipOut))
    return envelope(None, "The membership was ended.")


@api_keys.get("", operation_id="listApiKeys")
async def all_api_keys(
    session: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, caller: Principal = guard(_MANAGE)
) -> Page[ApiKeyOut]:
    found = await list_api_keys(session, caller, limit=limit, cursor=cursor)
    rows = [ApiKeyOut.model_validate(row) for row in found.items]
    return page(rows, limit=limit, following=found.following)


@api_keys.post("", operation_id="createApiKey", status_code=201)
@answers_with_secret
async def new_api_key(
    body: ApiKeyIn, session: Write, caller: Principal = guard(_MANAGE)
) -> Envelope[ApiKeyCreated]:
    made, text = await create_api_key(
        session,
        caller,
        name=body.name,
        scopes=body.scopes,
        client=body.client,
        expires_at=body.expires_at,
    )
    return envelope(ApiKeyCreated(key=text, api_key=ApiKeyOut.model_validate(made)))


@api_keys.get("/{api_key_id}", operation_id="getApiKey")
async def one_api_key(
    api_key_id: UUID, session: Read, caller: Principal = guard(_MANAGE)
) -> Envelope[ApiKeyOut]:
    return envelope(ApiKeyOut.model_validate(await get_api_key(session, caller, api_key_id)))


@api_keys.delete("/{api_key_id}", operation_id="revokeApiKey")
async def end_api_key(
    api_key_id: UUID, session: Write, identity: Parts, caller: Principal = guard(_MANAGE)
) -> Envelope[ApiKeyOut]:
    ended = await revoke_api_key(session, caller, api_key_id, now=identity.clock())
    return envelope(ApiKeyOut.model_validate(ended))


def _id_or_email(text: str) -> UUID | str:
    try:
        return UUID(text)
    except ValueError:
        return text

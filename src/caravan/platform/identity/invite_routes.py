"""Invitations over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from caravan.core.http import Envelope, Page, Read, Write, api_router, envelope, guard, page, public
from caravan.core.paging import DEFAULT_LIMIT, MAX_LIMIT, CursorError
from caravan.core.principal import NotFoundError, Principal
from caravan.platform.identity.errors import (
    InviteInvalidError,
    MemberExistsError,
    PasswordTooWeakError,
    RoleUnknownError,
    UsernameTakenError,
)
from caravan.platform.identity.invites import (
    Acceptance,
    accept_invite,
    create_invite,
    list_invites,
    revoke_invite,
)
from caravan.platform.identity.schemas import AcceptIn, InviteIn, InviteOut
from caravan.platform.identity.wiring import Parts

__all__ = ["accepting", "router"]

router = api_router(
    "invites", prefix="/api/v1/invites", errors=(CursorError, NotFoundError, RoleUnknownError)
)
accepting = api_router(
    "auth",
    prefix="/api/v1/auth",
    errors=(InviteInvalidError, MemberExistsError, PasswordTooWeakError, UsernameTakenError),
)
_MANAGE = "manage_members"


@router.get("", operation_id="listInvites")
async def all_invites(
    session: Read,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    caller: Principal = guard(_MANAGE),
) -> Page[InviteOut]:
    found = await list_invites(session, caller, limit=limit, cursor=cursor)
    rows = [InviteOut.model_validate(row) for row in found.items]
    return page(rows, limit=limit, following=found.following)


@router.post("", operation_id="createInvite", status_code=201)
async def new_invite(
    body: InviteIn, session: Write, identity: Parts, caller: Principal = guard(_MANAGE)
) -> Envelope[InviteOut]:
    made = await create_invite(
        session, caller, email=body.email, role=body.role, client=body.client, now=identity.clock()
    )
    return envelope(InviteOut.model_validate(made))


@router.delete("/{invite_id}", operation_id="revokeInvite")
async def end_invite(
    invite_id: UUID, session: Write, identity: Parts, caller: Principal = guard(_MANAGE)
) -> Envelope[InviteOut]:
    ended = await revoke_invite(session, caller, invite_id, now=identity.clock())
    return envelope(InviteOut.model_validate(ended))


@accepting.post("/invites/accept", operation_id="acceptInvite", dependencies=[public()])
async def accept(body: AcceptIn, identity: Parts) -> Envelope[None]:
    await accept_invite(identity, Acceptance(**body.model_dump()))
    return envelope(None, "Welcome. Log in with your password.")

"""`caravan user`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.settings import load_settings
from caravan.entry.addresses import opened_servers
from caravan.platform.identity import AddedUser, Identity, add_user, reset_password_by_operator

__all__ = ["app"]

app = typer.Typer(add_completion=False, help="People who may log in.", no_args_is_help=True)


@app.command("add")
def add(
    email: Annotated[str, typer.Argument(help="E-mail address; what they log in with.")],
    org: Annotated[
        str | None, typer.Option(help="Code or id of the organisation; not needed where there is only one.")
    ] = None,
    role: Annotated[
        str, typer.Option(help="Role in it, such as org-owner, org-staff, client-admin.")
    ] = "org-staff",
    name: Annotated[str | None, typer.Option(help="Name to show.")] = None,
) -> None:
    """Add a member to an organisation; prints a password for the first log-in, once."""

    async def run(identity: Identity) -> AddedUser:
        return await add_user(identity, org=org, email=email, role=role, display_name=name)

    _show(_with_identity(run))


@app.command("reset-password")
def reset_password(email: Annotated[str, typer.Argument(help="E-mail address or user name.")]) -> None:
    """Give somebody a new one-time password; all of their sessions end."""

    async def run(identity: Identity) -> AddedUser:
        return await reset_password_by_operator(identity, email)

    _show(_with_identity(run))


def _with_identity(run: Callable[[Identity], Awaitable[AddedUser]]) -> AddedUser:
    settings = load_settings()

    async def inside(address: DatabaseAddress) -> AddedUser:
        system = Database(address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan user")
        try:
            return await run(Identity.open(settings, system))
        finally:
            await system.close()

    with opened_servers(settings, redis=False) as addresses:
        return asyncio.run(inside(addresses.database))


def _show(user: AddedUser) -> None:
    print(
        f"e-mail    {user.email}\npassword  {user.password}\nIt is shown once and has to be changed at log-in."
    )

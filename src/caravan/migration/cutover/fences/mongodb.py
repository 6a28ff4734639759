"""A fence of MongoDB: a validator that no document passes; and the right to write taken from users where rights allow.

A validator stops inserts and updates, not deletes: https://www.mongodb.com/docs/manual/core/schema-validation/. So, with ``users``,
whoever may write to the database is left to read only. Changing a validator takes the collection's lock, which open transactions that
used it hold; those that have not touched it yet meet it. The applier writes with ``bypassDocumentValidation``.

What is to be put back is kept in the collection ``caravan_fences`` before anything is taken.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from bson.json_util import dumps
from pymongo import MongoClient
from pymongo.errors import ExecutionTimeout, OperationFailure

from caravan.migration.cutover.errors import FenceRefusedError
from caravan.migration.cutover.fences.names import PREFIX, fence_name, transition_of
from caravan.migration.cutover.parties import Writer

__all__ = ["MongodbFence"]

_KEPT: Final = "caravan_fences"
_WRITES: Final = frozenset(("readWrite", "dbAdmin", "dbOwner"))
_WAIT_MS: Final = 10_000
_LEAST_MS: Final = 50
_NO_RIGHT: Final = 13


class MongodbFence:
    """``url``: ``mongodb://host/database``. ``users``: whether roles are changed as well."""

    def __init__(self, url: str, collections: Sequence[str], *, users: bool = True) -> None:
        self._client: MongoClient[dict[str, Any]] = MongoClient(
            url, serverSelectionTimeoutMS=_WAIT_MS, appname="caravan fence"
        )
        self._database = self._client.get_default_database()
        self._collections = sorted(collections)
        self._users = users
        self._since = time.time()

    @property
    def limits(self) -> Sequence[str]:
        who = [name for name, _ in self._writing_users()] if self._users else []
        return (
            "deletes pass a validator"
            + ("; users are left to read only" if who else ": no role could be changed that would stop them"),
            "whoever may write with bypassDocumentValidation passes",
        )

    def standing(self) -> Sequence[UUID]:
        found = {transition_of(str(options.get("validator"))) for options in self._options().values()}
        return sorted(one for one in found if one is not None)

    def is_up(self, transition: UUID) -> bool:
        options, name = self._options(), fence_name(transition)
        return all(name in str(options.get(each, {}).get("validator")) for each in self._collections)

    def put_up(self, transition: UUID, *, within: float) -> None:
        deadline = time.monotonic() + within
        options = self._options()
        for collection in self._collections:
            before = options.get(collection, {})
            if PREFIX in str(before.get("validator")):
                continue
            kept = {key: before.get(key) for key in ("validator", "validationLevel", "validationAction")}
            self._keep(transition, f"collection {collection}", dumps(kept), before.get("validator") or {})
            self._change(
                collection,
                {"$and": [{"$comment": fence_name(transition)}, {"$expr": {"$eq": [1, 0]}}]},
                "strict",
                "error",
                deadline,
            )
        if self._users:
            self._take_roles(transition)
        self._since = time.time()

    def take_down(self, transition: UUID, *, within: float) -> None:
        deadline = time.monotonic() + within
        name = fence_name(transition)
        for row in list(self._database[_KEPT].find({"fence": name})):
            kind, _, what = str(row["what"]).partition(" ")
            if kind == "collection":
                if name in str(self._options().get(what, {}).get("validator")):
                    self._change(what, row["before"], "strict", "error", deadline)
            else:
                self._database.command("grantRolesToUser", what, roles=row["before"]["roles"])
            self._database[_KEPT].delete_one({"_id": row["_id"]})

    def old_transactions(self) -> Sequence[Writer]:
        """Return transactions that began before the fence; a server without transactions has none."""
        try:
            cursor = self._client.admin.aggregate(
                [
                    {"$currentOp": {"allUsers": True, "idleSessions": True}},
                    {"$match": {"transaction.timeOpenMicros": {"$exists": True}}},
                ]
            )
            open_ones = list(cursor)
        except OperationFailure:
            return []
        age = (time.time() - self._since) * 1_000_000
        return [
            Writer(
                str(one.get("appName") or one.get("client") or "a session"),
                f"transaction open for {one['transaction']['timeOpenMicros'] / 1e6:.1f} s",
            )
            for one in open_ones
            if one["transaction"]["timeOpenMicros"] >= age
        ]

    def writers(self) -> Sequence[Writer]:
        try:
            found = list(
                self._client.admin.aggregate([{"$currentOp": {"allUsers": True, "idleConnections": True}}])
            )
        except OperationFailure:
            return []
        names: dict[str, int] = {}
        for one in found:
            application = str(one.get("appName") or one.get("client") or "")
            if application and not application.startswith("caravan "):
                names[application] = names.get(application, 0) + 1
        return [Writer(name, f"{count} connections") for name, count in sorted(names.items())]

    def by_hand(self, transition: UUID) -> Sequence[str]:
        found = self._database[_KEPT].find({"fence": fence_name(transition)})
        kept = {str(row["what"]): row["before"] for row in found}
        statements = [
            f'db.runCommand({{collMod: "{name}", validator: {dumps(kept.get(f"collection {name}", {}))}}})'
            for name in self._collections
        ]
        users = [
            f'db.grantRolesToUser("{what.partition(" ")[2]}", {dumps(before["roles"])})'
            for what, before in kept.items()
            if what.startswith("user ")
        ]
        return [*statements, *users]

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _options(self) -> Mapping[str, Mapping[str, Any]]:
        return {str(one["name"]): one.get("options", {}) for one in self._database.list_collections()}

    def _keep(self, transition: UUID, what: str, kept: str, before: object) -> None:
        row = {"_id": f"{fence_name(transition)} {what}", "fence": fence_name(transition), "what": what}
        self._database[_KEPT].update_one(
            {"_id": row["_id"]}, {"$setOnInsert": {**row, "before": before, "options": kept}}, upsert=True
        )

    def _change(self, collection: str, validator: object, level: str, action: str, deadline: float) -> None:
        wait = max(_LEAST_MS, int((deadline - time.monotonic()) * 1000))
        try:
            self._database.command(
                "collMod",
                collection,
                validator=validator,
                validationLevel=level,
                validationAction=action,
                maxTimeMS=wait,
            )
        except ExecutionTimeout:
            raise FenceRefusedError(
                f"MongoDB did not change {collection} within {wait / 1000:.2g} s: a transaction has it open."
            ) from None
        except OperationFailure as error:
            if error.code == _NO_RIGHT:
                raise FenceRefusedError(f"MongoDB: {error}.") from None
            raise

    def _take_roles(self, transition: UUID) -> None:
        for name, roles in self._writing_users():
            self._keep(transition, f"user {name}", dumps(roles), {"roles": roles})
            self._database.command("revokeRolesFromUser", name, roles=roles)

    def _writing_users(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return users of this database, ourselves apart, with the roles by which they may write to it."""
        try:
            known = self._database.command("usersInfo", 1).get("users", [])
            status = self._client.admin.command("connectionStatus")
        except OperationFailure:
            return []
        own = {user.get("user") for user in status.get("authInfo", {}).get("authenticatedUsers", [])}
        found = []
        for user in known:
            roles = [
                role
                for role in user.get("roles", [])
                if role.get("role") in _WRITES and role.get("db") == self._database.name
            ]
            if roles and user.get("user") not in own:
                found.append((str(user["user"]), roles))
        return found

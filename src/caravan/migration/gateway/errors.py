"""What can go wrong around the gateway's table, for those who operate it."""

from caravan.core.errors import CaravanError

__all__ = [
    "NotConfirmedError",
    "RouteTableConflictError",
    "TableUnreadableError",
    "UnitNotArmedError",
    "UnitUnknownError",
]


class RouteTableConflictError(CaravanError):
    code = "gateway.table_conflict"
    status = 409
    title = "Somebody else has changed the route table"
    fix = "Look at the table as it is now, decide again, and publish against its version."


class UnitUnknownError(CaravanError):
    code = "gateway.unit_unknown"
    status = 404
    title = "The route table has no such unit"
    fix = "Name a unit of the published table; `caravan gateway show FILE` lists them."


class UnitNotArmedError(CaravanError):
    code = "gateway.unit_not_armed"
    status = 409
    title = "The unit has not been armed"
    fix = "Arm it first and wait until every gateway process has confirmed: only then does none of them write on its own."


class NotConfirmedError(CaravanError):
    """``details["processes"]`` names those that have not confirmed."""

    code = "gateway.not_confirmed"
    status = 503
    title = "Not every gateway process has confirmed the route table in time"
    fix = "Look after the processes in the message; one that is gone for good is removed with `caravan gateway forget`."


class TableUnreadableError(CaravanError):
    code = "gateway.table_unreadable"
    status = 500
    title = "The copy of the last route table cannot be read"
    fix = (
        "Make the database reachable and remove the file the message names; without both, the gateway cannot know which"
        " side has authority."
    )

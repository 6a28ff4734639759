"""The gateway: carries the traffic to one side or the other, by a table that can change at any moment. The one door.

Operators of the table publish, arm, hold and release; whoever compares reads the tap. What is offered is imported when it is
asked for: the data path needs no database, and publishing needs no data path.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from caravan.migration.gateway.confirming import (
        ProcessState,
        forget_process,
        process_states,
        wait_until_confirmed,
    )
    from caravan.migration.gateway.errors import (
        NotConfirmedError,
        RouteTableConflictError,
        TableUnreadableError,
        UnitNotArmedError,
        UnitUnknownError,
    )
    from caravan.migration.gateway.nginx import render_nginx
    from caravan.migration.gateway.plan import (
        CohortKey,
        Override,
        PlannedRoute,
        PlannedUnit,
        RoutePlan,
        Window,
    )
    from caravan.migration.gateway.publishing import (
        Published,
        arm,
        change_unit,
        current_table,
        hold,
        publish_table,
        release,
    )
    from caravan.migration.gateway.tap_socket import TapReader, TapWriter

__all__ = [
    "CohortKey",
    "NotConfirmedError",
    "Override",
    "PlannedRoute",
    "PlannedUnit",
    "ProcessState",
    "Published",
    "RoutePlan",
    "RouteTableConflictError",
    "TableUnreadableError",
    "TapReader",
    "TapWriter",
    "UnitNotArmedError",
    "UnitUnknownError",
    "Window",
    "arm",
    "change_unit",
    "current_table",
    "forget_process",
    "hold",
    "process_states",
    "publish_table",
    "release",
    "render_nginx",
    "wait_until_confirmed",
]

_PLACES: Final = {
    "CohortKey": "plan",
    "NotConfirmedError": "errors",
    "Override": "plan",
    "PlannedRoute": "plan",
    "PlannedUnit": "plan",
    "ProcessState": "confirming",
    "Published": "publishing",
    "RoutePlan": "plan",
    "RouteTableConflictError": "errors",
    "TableUnreadableError": "errors",
    "TapReader": "tap_socket",
    "TapWriter": "tap_socket",
    "UnitNotArmedError": "errors",
    "UnitUnknownError": "errors",
    "Window": "plan",
    "arm": "publishing",
    "change_unit": "publishing",
    "current_table": "publishing",
    "forget_process": "confirming",
    "hold": "publishing",
    "process_states": "confirming",
    "publish_table": "publishing",
    "release": "publishing",
    "render_nginx": "nginx",
    "wait_until_confirmed": "confirming",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: whatever the name stands for
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value

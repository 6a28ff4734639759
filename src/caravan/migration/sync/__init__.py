"""Carries changes from one side to the other, both ways, with the position committed beside the rows. The one door of this room.

What it offers is imported when it is asked for: ``sync.flows`` alone is what others wait on.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from caravan.migration.sync.beginning import begin, release
    from caravan.migration.sync.errors import (
        CatchUpTimeoutError,
        FlowFailedError,
        FlowHeldError,
        FlowReplacedError,
        FlowUnknownError,
        NothingToFollowError,
    )
    from caravan.migration.sync.flow_rows import Flow, FlowKey, find_flow, flows_of
    from caravan.migration.sync.flows import Direction, FlowMode, FlowState, Lag
    from caravan.migration.sync.guard import beside_flows
    from caravan.migration.sync.holding import open_connection
    from caravan.migration.sync.party import FlowParty
    from caravan.migration.sync.runners import FlowSetting, flow_settings
    from caravan.migration.sync.running import FlowOptions, FlowRunner
    from caravan.migration.sync.sweeping import sweep
    from caravan.migration.sync.waiting import (
        ask_to_run,
        ask_to_stop,
        catch_up,
        hold_at,
        let_go,
        set_mode,
    )

__all__ = [
    "CatchUpTimeoutError",
    "Direction",
    "Flow",
    "FlowFailedError",
    "FlowHeldError",
    "FlowKey",
    "FlowMode",
    "FlowOptions",
    "FlowParty",
    "FlowReplacedError",
    "FlowRunner",
    "FlowSetting",
    "FlowState",
    "FlowUnknownError",
    "Lag",
    "NothingToFollowError",
    "ask_to_run",
    "ask_to_stop",
    "begin",
    "beside_flows",
    "catch_up",
    "find_flow",
    "flow_settings",
    "flows_of",
    "hold_at",
    "let_go",
    "open_connection",
    "release",
    "set_mode",
    "sweep",
]

_PLACES: Final = {
    "CatchUpTimeoutError": "errors",
    "Direction": "flows",
    "Flow": "flow_rows",
    "FlowFailedError": "errors",
    "FlowHeldError": "errors",
    "FlowKey": "flow_rows",
    "FlowMode": "flows",
    "FlowOptions": "running",
    "FlowParty": "party",
    "FlowReplacedError": "errors",
    "FlowRunner": "running",
    "FlowSetting": "runners",
    "FlowState": "flows",
    "FlowUnknownError": "errors",
    "Lag": "flows",
    "NothingToFollowError": "errors",
    "ask_to_run": "waiting",
    "ask_to_stop": "waiting",
    "begin": "beginning",
    "beside_flows": "guard",
    "catch_up": "waiting",
    "find_flow": "flow_rows",
    "flow_settings": "runners",
    "flows_of": "flow_rows",
    "hold_at": "waiting",
    "let_go": "waiting",
    "open_connection": "holding",
    "release": "beginning",
    "set_mode": "waiting",
    "sweep": "sweeping",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: whatever the name stands for
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value

"""What can keep a conductor from conducting, or a person from having their way."""

from caravan.core.errors import CaravanError

__all__ = [
    "ConductorReplacedError",
    "ContractNotFrozenError",
    "DifferenceUnknownError",
    "NothingToPromoteError",
    "OtherPersonNeededError",
    "OvertakenError",
    "RequestUnknownError",
    "TapMissingError",
    "UnitHeldError",
]


class ConductorReplacedError(CaravanError):
    code = "conductor_replaced"
    status = 409
    title = "Another conductor has taken this migration over"
    fix = "Run one conductor per migration; the one that wrote last goes on, this one may be stopped."


class ContractNotFrozenError(CaravanError):
    code = "shadow_contract_not_frozen"
    status = 422
    title = "The contract that the comparison is held against is not frozen"
    exit_code = 2
    fix = "Review the contract and run `caravan contract freeze`, or take [shadow] contract out of the migration file."


class DifferenceUnknownError(CaravanError):
    code = "difference_unknown"
    status = 404
    title = "There is no such difference"
    exit_code = 2
    fix = "Look at the list of differences; this one may have been mended, or the judgement began anew."


class NothingToPromoteError(CaravanError):
    code = "unit_not_in_canary"
    status = 409
    title = "The unit has no canary that could be widened or rolled back"
    exit_code = 2
    fix = "Open a canary first: `caravan migration advance FILE UNIT canary:PERCENT`."


class OtherPersonNeededError(CaravanError):
    code = "second_person_needed"
    status = 403
    title = "Somebody else has to agree"
    fix = "Ask a second person with the same right to agree to the request; nobody agrees to a request of their own."


class RequestUnknownError(CaravanError):
    code = "operator_request_unknown"
    status = 404
    title = "There is no such open request"
    exit_code = 2
    fix = (
        "List the requests that wait with `caravan status` or in the console; this one may have been settled."
    )


class TapMissingError(CaravanError):
    code = "conductor_tap_missing"
    status = 500
    title = "The conductor has no tap to read"
    exit_code = 2
    fix = "Set CARAVAN_GATEWAY_TAP to a path of a Unix socket, the same for gateway and conductor; `caravan run` does it by itself."


class OvertakenError(CaravanError):
    code = "unit_moved_meanwhile"
    status = 409
    title = "Somebody was faster"
    fix = "Look where the unit is now, and decide again; nothing was done."


class UnitHeldError(CaravanError):
    code = "unit_held"
    status = 409
    title = "The unit is held where it is"
    exit_code = 3
    fix = "Talk to whoever holds it, or let it go first; the way back is open all the same."

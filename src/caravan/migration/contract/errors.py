"""What can be wrong with a contract, or with what it is checked against."""

from caravan.core.errors import CaravanError

__all__ = [
    "ContractChanged",
    "ContractInvalid",
    "ContractMissing",
    "NothingToLearn",
    "ProbeUnavailable",
    "SideUnreachable",
]


class ContractInvalid(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "contract_invalid"
    status = 422
    title = "The contract file is wrong"
    exit_code = 2
    fix = "Correct the table and key named in the message; `caravan contract learn` writes a right one."


class ContractMissing(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "contract_missing"
    status = 404
    title = "There is no such contract"
    exit_code = 2
    fix = "Give the path of a contract file, or make one with `caravan contract learn RECORDING`."


class ContractChanged(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "contract_changed_since_frozen"
    status = 409
    title = "The contract was changed after it was frozen"
    exit_code = 2
    fix = "Review the change and run `caravan contract freeze` again, or take the file back as it was."


class NothingToLearn(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "contract_nothing_to_learn"
    status = 422
    title = "The recording holds nothing to learn from"
    exit_code = 2
    fix = "Record or import traffic first: `caravan record import FILE`."


class SideUnreachable(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "contract_side_unreachable"
    status = 502
    title = "The server to check does not answer"
    exit_code = 2
    fix = "Check the address and that the server runs; nothing was compared."


class ProbeUnavailable(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "contract_probe_unavailable"
    status = 501
    title = "Probing needs Hypothesis, which is not installed"
    exit_code = 2
    fix = "Install it with `pip install 'caravan-migrate[probe]'`."

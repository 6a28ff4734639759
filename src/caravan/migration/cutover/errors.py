"""What can stop a cutover."""

from caravan.core.errors import CaravanError

__all__ = [
    "CertificateRefusedError",
    "ConsentMissingError",
    "CutShortError",
    "DrillRefusedError",
    "EvidenceUnreadableError",
    "FenceRefusedError",
    "FenceStandsError",
    "HoldBudgetError",
    "PreflightError",
    "RowsDifferError",
    "StoreFailedError",
    "UnitStoreError",
    "UnitsSplitError",
    "WritersRemainError",
]


class PreflightError(CaravanError):
    """``details["checks"]`` lists every check with what was found and what is needed."""

    code = "cutover_preflight"
    status = 409
    title = "The preflight found what stands against the switch"
    exit_code = 3
    fix = "Mend what the message names and run the command again; nothing was held, fenced or switched."


class HoldBudgetError(CaravanError):
    code = "cutover_hold_budget"
    status = 503
    title = "The switch would have held clients for too long"
    fix = (
        "Everything was undone, writes go on as before. Look in the journal at which step took long; end long transactions,"
        " shorten the lag, or give `[gateway] hold_seconds` more, and try again."
    )


class CutShortError(CaravanError):
    code = "cutover_cut_short"
    status = 503
    title = "The switch was cut short and undone"
    fix = "Writes go on as before. Mend what the message names and run the command again."


class FenceRefusedError(CaravanError):
    code = "cutover_fence_refused"
    status = 503
    title = "The fence could not be put up"
    fix = "End the sessions that the message names, or wait for them; missing rights have to be granted. Then try again."


class FenceStandsError(CaravanError):
    code = "cutover_fence_stands"
    status = 409
    title = "The fence belongs to the state that the unit is in"
    fix = (
        "Without it, writes to the old store are lost to the new side. Switch back first: `caravan cutover reverse FILE UNIT`."
        " If you must, `--force` takes it down and the journal says by whom."
    )


class WritersRemainError(CaravanError):
    code = "cutover_writers_remain"
    status = 503
    title = "Transactions from before the fence have not ended"
    fix = "End the transactions that the message names, or wait for them, and try again; the fence was taken down."


class RowsDifferError(CaravanError):
    code = "cutover_rows_differ"
    status = 409
    title = "Rows differ between the sides at the moment of the switch"
    exit_code = 3
    fix = "Run `caravan verify FILE` and mend what it names; the switch was undone."


class StoreFailedError(CaravanError):
    code = "cutover_store_failed"
    status = 503
    title = "A store did not do what the switch needs"
    fix = "The message is the store's own. Mend it and run the same command again: it finishes or undoes what was begun."


class DrillRefusedError(CaravanError):
    code = "cutover_drill_refused"
    status = 409
    title = "A drill cannot begin here"
    exit_code = 2
    fix = (
        "A drill begins in the last stage of a canary, in switched or in ramp-down, and ends where it began."
    )


class ProbeFailedError(CaravanError):
    code = "cutover_probe_failed"
    status = 502
    title = "A probe of the drill was not taken"
    exit_code = 1
    fix = "Send the request of `[[drill.probes]]` by hand through the gateway, and correct it in the migration file."


class CertificateRefusedError(CaravanError):
    code = "cutover_certificate_refused"
    status = 422
    title = "This is no certificate of a drill, or it was changed"
    exit_code = 1
    fix = "Compare its hash with the entry `certificate` of the journal."


class ConsentMissingError(CaravanError):
    code = "cutover_consent_missing"
    status = 409
    title = "Nobody has said yes to what cannot be undone"
    exit_code = 2
    fix = 'Say it in your words: `caravan cutover complete FILE UNIT --yes "…"`. Nothing leads back from complete.'


class UnitStoreError(CaravanError):
    code = "cutover_unit_store"
    status = 422
    title = "The unit's data is not the whole of one store"
    exit_code = 2
    fix = "Give the unit all data sets of one source that tells its changes: what shares a flow has to switch together."


class NotObservableError(CaravanError):
    code = "cutover_not_observable"
    status = 422
    title = "The tables that requests use cannot be seen so"
    exit_code = 2
    fix = "Name tables that are there, give requests to send, or choose another way: `caravan cutover observe --help` lists them."


class UnitsSplitError(CaravanError):
    code = "cutover_units_split"
    status = 409
    title = "Declared units write the same tables"
    exit_code = 3
    fix = "Join the units, or cut them apart in one of the ways that the report offers, before any of them is switched."


class EvidenceUnreadableError(CaravanError):
    code = "evidence_unreadable"
    status = 422
    title = "This is no evidence of a migration"
    exit_code = 2
    fix = "Give the folder that `caravan evidence export` wrote."

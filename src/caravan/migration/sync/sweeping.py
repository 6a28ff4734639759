"""After a capture had to begin anew: rows that neither the new load nor a change since has seen are gone from the source."""

from typing import Final

from caravan.migration.sync.flow_rows import find_flow
from caravan.migration.sync.holding import open_connection
from caravan.migration.sync.removal import referrers_of, remove
from caravan.migration.sync.row_places import hold_off_chunks
from caravan.migration.sync.runners import FlowSetting
from caravan.migration.sync.tags import tag_of, tag_postgres

__all__ = ["sweep"]

_LOADED: Final = (
    "SELECT count(*) > 0 AND NOT bool_or(stale) FROM engine.ledger WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s"
)
# A row born on our side has no place either, until it changes at the source.
_UNSEEN: Final = """
SELECT k.row_id FROM engine.legacy_keys k
WHERE k.org_id = %(org)s AND k.migration = %(migration)s AND k.data_set = %(data_set)s AND k.chunk IS NULL
    AND NOT EXISTS (SELECT 1 FROM engine.applied a WHERE a.org_id = k.org_id AND a.migration = k.migration
        AND a.data_set = k.data_set AND a.row_id = k.row_id)
    AND NOT EXISTS (SELECT 1 FROM engine.row_aliases b WHERE b.org_id = k.org_id AND b.row_id = k.row_id)
ORDER BY k.row_id
"""


def sweep(setting: FlowSetting) -> int:
    """Remove what the source has lost while nobody followed it; returns how many records. Only behind a whole load.

    Raises:
        psycopg.IntegrityError: rows of the platform's own refer to one of them; nothing was removed.
    """
    connection = open_connection(setting.database)
    scope = {"org": setting.plan.org_id, "migration": setting.plan.migration}
    removed = 0
    try:
        flow = find_flow(connection, setting.key)
        if flow is None or flow.mode != "apply":
            return 0
        tables = [table for each in setting.plan.data_sets for table in each.mapping.tables]
        with connection.transaction(), connection.cursor() as cursor:
            hold_off_chunks(cursor, scope)
            tag_postgres(cursor, tag_of(setting.plan.migration, "load"))
            for data_set in reversed(setting.own):
                loaded = cursor.execute(_LOADED, data_set.scope).fetchone()
                if loaded is None or not loaded[0]:
                    continue
                gone = [row[0] for row in cursor.execute(_UNSEEN, data_set.scope).fetchall()]
                if gone:
                    remove(cursor, data_set, referrers_of(data_set, tables), gone)
                removed += len(gone)
    finally:
        connection.close()
    return removed

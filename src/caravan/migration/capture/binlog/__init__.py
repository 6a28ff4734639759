"""The row log of MariaDB and MySQL: its wire, its events, its values.

Format: https://mariadb.com/kb/en/replication-protocol/ and
https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication.html.
"""

from typing import Final

__all__ = ["MARKER_TABLE"]

MARKER_TABLE: Final = "caravan_applied"
"""The small table of ours whose row, written first in a transaction, tags the transaction."""

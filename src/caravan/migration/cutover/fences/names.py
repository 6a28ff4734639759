"""How fences are called, so that one found after a crash tells whose it is, and how the applier passes them.

The applier of a flow passes every fence by the tag that it writes under (``caravan.migration.capture.tagging``): PostgreSQL asks the
transaction for ``caravan.tag``, MariaDB and MySQL for ``@caravan_tag``, SQLite for a row in its capture's table of tags; in MongoDB it writes with
``bypassDocumentValidation``.
"""

import re
from typing import Final
from uuid import UUID

__all__ = [
    "APPLIER_SETTING",
    "APPLIER_VARIABLE",
    "PREFIX",
    "TAG_TABLE",
    "fence_name",
    "said",
    "transition_of",
]

PREFIX: Final = "caravan_fence_"
APPLIER_SETTING: Final = "caravan.tag"
APPLIER_VARIABLE: Final = "@caravan_tag"
TAG_TABLE: Final = "caravan_tag"

_NAME: Final = re.compile(PREFIX + r"([0-9a-f]{32})")


def fence_name(transition: UUID) -> str:
    """Return the name that this transition's fence has in a store."""
    return PREFIX + transition.hex


def transition_of(name: str) -> UUID | None:
    """Return the transition that a name found in a store tells."""
    found = _NAME.search(name)
    return UUID(found[1]) if found else None


def said(table: str) -> str:
    """Return what a writer is told."""
    return f"caravan fence: {table} takes no writes while its unit is on the other side"

"""What a legacy store is to the flow that writes back to it."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from caravan.core.ids import LegacyTag
from caravan.migration.capture.changes import Position

__all__ = ["KEYS", "POSITIONS", "LegacyBatch", "LegacyWriter", "RowRefusedError", "Stamp"]

POSITIONS: Final = "caravan_positions"
"""Table or collection of ours in the legacy store: per flow the epoch of its holder and the position written last."""

KEYS: Final = "caravan_keys"
"""Table or collection of ours in the legacy store: the key that each row born on the new side was given."""


class RowRefusedError(Exception):
    """The store takes everything but this row."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a batch leaves beside its rows: whose it is, up to where it goes, and the mark by which its capture knows it."""

    flow: str
    epoch: int
    position: Position
    tag: str


class LegacyBatch(Protocol):
    """The writes of one transaction. Keys are fields of the source, as a decoded record has them."""

    def given_key(self, collection: str, row_id: UUID) -> tuple[LegacyTag, str] | None:
        """Return the key that an earlier attempt has given to this row, whether or not we have learnt it."""

    def insert(
        self, collection: str, row_id: UUID, key: Collection[str], document: Mapping[str, Any]
    ) -> tuple[LegacyTag, str]:
        """Write a record that has no key yet, and return the key it was given; ``key`` names its fields.

        Raises:
            RowRefusedError: the store cannot give such a key, or does not take the record.
        """

    def put(
        self,
        collection: str,
        key: Mapping[str, Any],
        document: Mapping[str, Any],
        *,
        kept: Collection[str] = (),
    ) -> None:
        """Write a record over the one of its key, or anew; fields in ``kept`` stay as they are there.

        Raises:
            RowRefusedError: the store does not take it.
        """

    def remove(self, collection: str, key: Mapping[str, Any]) -> None:
        """Delete a record, if it is there; raises ``RowRefusedError``."""


class LegacyWriter(Protocol):
    """A connection to the store."""

    @property
    def shape(self) -> Literal["document", "row"]:
        """Whether records are documents or rows of tables."""

    def prepare(self) -> None:
        """Make the tables of ours that are not there."""

    def batch(self, stamp: Stamp) -> AbstractContextManager[LegacyBatch]:
        """Begin a transaction, tagged; it commits with its stamp when the block ends, or not at all.

        Raises:
            FlowReplacedError: a holder with a higher epoch has written.
            LegacyWriteError: the store cannot be reached or written to.
        """

    def close(self) -> None: ...

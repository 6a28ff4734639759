"""An entity of a legacy system: the declaration that is its mapping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from caravan.core.ids import LegacyTag
from caravan.migration.mapping.compile import CompiledEntity
from caravan.migration.mapping.contract import (
    Invariant,
    MappedRecord,
    MappingContext,
    ReferenceValue,
    TargetTable,
    UnmappableError,
)
from caravan.migration.mapping.errors import BadValueError
from caravan.migration.mapping.fields import Child, Main, Side
from caravan.migration.mapping.keys import typed_key
from caravan.migration.mapping.tables import target_tables

__all__ = ["Entity"]

_CODECS: Final = "1"
"""Raised when a codec begins to give other values: what was loaded through it before must be loaded again."""


@dataclass(frozen=True)
class Entity:
    """Implements ``caravan.migration.mapping.contract.Mapping`` from data alone.

    ``repeated``, ``sums`` and ``invariants`` are what the contract says of them.
    """

    entity: str
    main: Main
    sides: tuple[Side, ...] = ()
    children: tuple[Child, ...] = ()
    repeated: tuple[tuple[str, str, str], ...] = ()
    sums: tuple[tuple[str, str], ...] = ()
    invariants: tuple[Invariant, ...] = ()
    _compiled: dict[MappingContext, CompiledEntity] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def version(self) -> str:
        """A short hash of the whole declaration."""
        return sha256(f"{_CODECS}{self!r}".encode()).hexdigest()[:16]

    @cached_property
    def tables(self) -> Sequence[TargetTable]:
        """The entity's own table, then side tables and children."""
        return target_tables(self.main, self.sides, self.children)

    def key_of(self, document: Mapping[str, Any]) -> tuple[LegacyTag, str]:
        """Return the typed ``_id``.

        Raises:
            UnmappableError: ``key.missing``, ``key.not_a_key``.
        """
        value = document.get("_id")
        if value is None:
            raise UnmappableError("key.missing", "_id", "the record has no _id")
        try:
            return typed_key(value)
        except BadValueError as error:
            raise UnmappableError(error.kind, "_id", error.detail) from None

    def map(self, document: Mapping[str, Any], context: MappingContext) -> MappedRecord:
        """Return the record's rows.

        Raises:
            UnmappableError: the record must go to quarantine.
        """
        return self._for(context).map(document, self.key_of(document))

    def references(self, document: Mapping[str, Any], context: MappingContext) -> Sequence[ReferenceValue]:
        """Return every reference of the record as the source wrote it."""
        return self._for(context).references(document, self.key_of(document))

    def _for(self, context: MappingContext) -> CompiledEntity:
        compiled = self._compiled.get(context)
        if compiled is None:
            compiled = CompiledEntity(self.entity, self.main, self.sides, self.children, context)
            self._compiled[context] = compiled
        return compiled

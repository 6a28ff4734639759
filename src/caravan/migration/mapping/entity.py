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
    InverseContext,
    Loss,
    MappedRecord,
    MappingContext,
    ReferenceValue,
    TargetTable,
)
from caravan.migration.mapping.fields import Child, Main, Side
from caravan.migration.mapping.inverse import CompiledInverse, Rows
from caravan.migration.mapping.losses import declared_losses
from caravan.migration.mapping.record_keys import record_key
from caravan.migration.mapping.tables import target_tables

__all__ = ["Entity"]

_CODECS: Final = "2"
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
    _inverses: dict[InverseContext, CompiledInverse] = field(
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
        """Return the typed key: the ``_id``, or what ``record_keys`` makes of the declared columns.

        Raises:
            UnmappableError: ``key.missing``, ``key.not_a_key``.
        """
        return record_key(self.main.key, document)

    def map(self, document: Mapping[str, Any], context: MappingContext) -> MappedRecord:
        """Return the record's rows.

        Raises:
            UnmappableError: the record must go to quarantine.
        """
        return self._for(context).map(document, self.key_of(document))

    def references(self, document: Mapping[str, Any], context: MappingContext) -> Sequence[ReferenceValue]:
        """Return every reference of the record as the source wrote it."""
        return self._for(context).references(document, self.key_of(document))

    def invert(self, rows: Rows, context: InverseContext) -> dict[str, Any]:
        """Return the record that these rows stand for: ``map`` makes the same rows of it.

        ``rows`` by table, as ``map`` gives them (a reference that was loaded as NULL because its row is missing must be put back first).
        What was kept word for word comes back so, unless our side has changed the value since; an absent field and its default are one.

        Raises:
            UnmappableError: ``key.unknown``, ``reference.unknown``, ``value.no_inverse``: the source has no value for it.
        """
        inverse = self._inverses.get(context)
        if inverse is None:
            self._inverses.clear()
            inverse = CompiledInverse(self.entity, self.main, self.sides, self.children, self.tables, context)
            self._inverses[context] = inverse
        return inverse.invert(rows)

    @cached_property
    def losses(self) -> Sequence[Loss]:
        """What of each field is not kept, for people to read before they start."""
        return tuple(declared_losses(self.main, self.sides, self.children))

    def _for(self, context: MappingContext) -> CompiledEntity:
        compiled = self._compiled.get(context)
        if compiled is None:
            compiled = CompiledEntity(self.entity, self.main, self.sides, self.children, context)
            self._compiled[context] = compiled
        return compiled

"""The declaration of a mapping: which field of a source record goes through which codec into which column.

Everything here is data, frozen and printable: its text is the mapping's version and its document's tables.
A source path is the name of a field on the level it is declared for; embedded documents are levels of their own.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from caravan.migration.mapping.codecs import Codec

__all__ = ["Child", "Field", "Main", "OnBad", "Side"]

OnBad: TypeAlias = Literal["quarantine", "empty"]
"""What a bad value does: the whole record to quarantine, or the field to its default, with a finding."""


@dataclass(frozen=True)
class Field:
    """``default`` is the column's value for absent and null; a ``required`` field may be neither."""

    source: str
    column: str
    codec: Codec
    on_bad: OnBad = "quarantine"
    default: Any = None
    required: bool = False
    note: str = ""


@dataclass(frozen=True)
class Side:
    """A table beside another, 1:1 by id. ``sparse`` rows are written only where a field has a value.

    Beside the entity's own table ``parent`` is ``id``; beside a child it is a column of its own with the record's id.
    """

    table: str
    fields: tuple[Field, ...]
    sparse: bool = False
    parent: str = "id"


@dataclass(frozen=True)
class Main:
    """The entity's own table. ``ignored`` fields of the record are known and deliberately kept nowhere.

    ``key`` names the fields that tell records apart: ``_id`` of documents, the columns of a table's key in their order, none where a
    table has no key (see ``record_keys``). ``extra``: the table has the column ``extra``, which takes what no field names; without it
    a source column that nothing takes is refused when the load starts.
    """

    table: str
    fields: tuple[Field, ...]
    client: bool = True
    ignored: tuple[str, ...] = ()
    key: tuple[str, ...] = ("_id",)
    extra: bool = True


@dataclass(frozen=True)
class Child:
    """Embedded documents under ``source`` as rows of ``table``.

    ``shape``: ``many`` is a list (or object with numeric keys), ``one`` a single document. Ids are made of ``entity``
    and a composite key: the record's key, then for ``one`` the ``discriminator``, for ``many`` the element's own
    ``_id`` (behind the part ``s:_id``, so that it never equals a position), else its position.
    ``inherited`` columns have the values the record's own row has; ``constants`` are (column, value).
    """

    table: str
    entity: str
    source: str
    parent: str
    fields: tuple[Field, ...]
    shape: Literal["many", "one"] = "many"
    discriminator: str = ""
    position: str | None = None
    inherited: tuple[str, ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    on_bad: OnBad = "quarantine"
    side: Side | None = None

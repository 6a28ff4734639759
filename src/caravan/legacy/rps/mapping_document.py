"""``docs/mappings/rps.md``, made from the mapping: ``python -m caravan.legacy.rps.mapping_document > docs/mappings/rps.md``."""

import sys
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from caravan.core.ids import CARAVAN, LegacyTag, composite_key, legacy_id, source_namespace
from caravan.legacy.rps import mapping
from caravan.legacy.rps.mapping import states
from caravan.migration.mapping.document import codec_rows, entity_section, table
from caravan.migration.mapping.entity import Entity

__all__ = ["EXAMPLE_ORGANISATION", "EXAMPLE_SOURCE", "examples", "rendered"]

EXAMPLE_SOURCE: Final = "rps"
EXAMPLE_ORGANISATION: Final = UUID("0190a1b2-c3d4-7000-8000-000000000001")

_ENTITIES: Final[dict[str, Entity]] = {
    "orders": mapping.orders,
    "customers": mapping.customers,
    "products": mapping.products,
    "transactions": mapping.transactions,
    "promos": mapping.promos,
    "affiliates": mapping.affiliates,
}
_ORDER: Final[tuple[LegacyTag, str]] = ("o", "507f1f77bcf86cd799439011")
_LINE: Final[tuple[LegacyTag, str]] = ("o", "507f191e810c19729de860ea")
_OWN: Final[tuple[LegacyTag, str]] = ("s", "_id")

_INTRODUCTION: Final = """# RPS: the data mapping

Made from `caravan.legacy.rps.mapping` by `python -m caravan.legacy.rps.mapping_document`; a test fails when the two differ.

The tables are the platform's own. What only RPS has stands beside them in `legacy_rps` tables, one row with the same id.
What no column takes is kept word for word, as canonical Extended JSON, in the `extra` column of the row on whose level it
stood. Absent and null are both NULL, or the default the note names.

## What a bad value does

- **quarantine**: the whole record is kept out, with its original bytes and a reason.
- **empty, finding**: the record is loaded, the column is NULL (or its default), a finding names record, field and class,
  and the original value stands in `extra` under `_original` by its field's name.
- Some values are taken changed, whatever the policy, with a finding and the original kept: an amount with more than four
  places is rounded half-even (`money.rounded`); a state outside its table is `unknown` (`state.unknown`); text with NUL or
  half a surrogate pair loses these (`text.unstorable`).

Classes: `key.missing`, `key.not_a_key`, `key.repeated`, `field.missing`, `amount.not_a_number`, `money.rounded`,
`number.not_an_integer`, `flag.not_a_flag`, `date.out_of_range`, `date.not_a_date`, `text.wrong_type`, `text.unstorable`,
`currency.not_a_code`, `state.unknown`, `address.unknown_kind`, `reference.not_a_reference`, `list.not_a_list`,
`list.not_a_document`; from the load itself `reference.missing` and `number.repeated`."""

_LOSSES: Final = """## What is lost

By codec, the table above. Besides:

- Gaps in the numeric keys of a list stored as an object: elements are numbered 0, 1, 2 … in the order of the keys.
- `transactions` embedded in an order stay JSON in `legacy_rps.orders.transactions`, as do `history` and `notes`; only the
  collection `transactions` fills the platform's table.
- The increment of a BSON timestamp, and the zone a date string was written in.
- Inside JSON columns the width of integers (`NumberLong(1)` and `1` are both `1`) and the order of keys.
- A record without `createdAt` was made on 1970-01-01, so that every load gives the same row.
- A text or a field name that PostgreSQL cannot hold in JSON is kept in hex: `{"$utf8": "…"}`, `$utf8:…`."""


_TAGS: Final = """Tags: `o` ObjectId (24 small hex digits), `i` any integer (a whole double too), `s` string, `u` UUID (bytes in
the order they are stored, written with hyphens), `b` other bytes (hex). A reference that is a string of 24 hex digits is
read as `o`. A part of a composite key is tag, length, colon, text; parts are joined by commas, and the whole has the tag
`s`. An embedded document's key is its parent's, then `s3:_id` and its own `_id`, else its position; an `_id` that comes
twice in one record counts the first time only."""


def rendered() -> str:
    """Return the document."""
    parts = [_INTRODUCTION, _ids()]
    parts += [entity_section(entity, collection) for collection, entity in _ENTITIES.items()]
    parts += [
        "## States",
        "The imported state stays word for word in the `legacy_rps` table; letter case does not matter.",
    ]
    for name, pairs in (
        ("orders", states.ORDER_STATES),
        ("transactions", states.TRANSACTION_STATES),
        ("products", states.PRODUCT_STATES),
        ("affiliates", states.AFFILIATE_STATES),
    ):
        parts += [f"### {name}", table(("theirs", "ours"), ((f"`{a}`", f"`{b}`") for a, b in pairs))]
    parts += [
        "## Codecs",
        table(("codec", "type", "what is not kept"), codec_rows(_ENTITIES.values())),
        _LOSSES,
    ]
    return "\n\n".join(parts) + "\n"


def examples() -> Iterator[tuple[str, LegacyTag, str, UUID]]:
    """Yield entity, tag, text and id of worked examples, in the example's source and organisation."""
    namespace = source_namespace(EXAMPLE_SOURCE, EXAMPLE_ORGANISATION)
    keys: list[tuple[str, LegacyTag, str]] = [
        ("order", *_ORDER),
        ("customer", "i", "42"),
        ("customer", "s", "42"),
        ("product", "u", "f3eee365-cb4b-cd1d-819e-64b6c64bad24"),
        ("affiliate", "b", "00ff"),
        ("order_item", "s", composite_key((_ORDER, ("i", "0")))),
        ("order_item", "s", composite_key((_ORDER, _OWN, _LINE))),
        ("order_address", "s", composite_key((_ORDER, ("s", "billing")))),
    ]
    for entity, tag, text in keys:
        yield entity, tag, text, legacy_id(namespace, entity, tag, text)


def _ids() -> str:
    rows = ((entity, f"`{tag}`", f"`{text}`", f"`{row_id}`") for entity, tag, text, row_id in examples())
    namespace = source_namespace(EXAMPLE_SOURCE, EXAMPLE_ORGANISATION)
    lead = (
        f"Examples in source `{EXAMPLE_SOURCE}` of organisation `{EXAMPLE_ORGANISATION}`, whose namespace is"
        f" `{namespace}`:"
    )
    rule = f"`id = uuid5(uuid5({CARAVAN}, source name + organisation id), entity + ':' + tag + ':' + text)`"
    return "\n\n".join(("## Ids", rule, _TAGS, lead, table(("entity", "tag", "text", "id"), rows)))


if __name__ == "__main__":  # pragma: no cover - a child process writes it; the tests call `rendered`
    sys.stdout.write(rendered())

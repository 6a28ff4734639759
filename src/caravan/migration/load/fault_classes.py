"""What each class of findings and of quarantine means, where it comes from, and what to do about it.

``caravan explain CLASS`` and the guide of loads tell this table. A legacy system with classes of its own registers them
beside its mapping.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["ENGINE_CLASSES", "DuplicateClassError", "FaultClass", "fault_class", "fault_classes", "register"]


class DuplicateClassError(TypeError):
    """Two places explain one class differently."""


@dataclass(frozen=True, slots=True)
class FaultClass:
    """``found`` says what stood there, ``cause`` names the part that found it, ``fix`` what a person can do."""

    name: str
    found: str
    cause: str
    fix: str


_registry: dict[str, FaultClass] = {}

_CORRECT: Final = "Correct the value in the old system and dump it again, or waive the class."
_LOADED: Final = "Nothing is lost: the original stands beside the row. Correct the value in the old system where it matters."
_BYTES: Final = "Compare the file with the original (size, checksum) and dump the collection again."


def register(*classes: FaultClass) -> None:
    """Make classes known; the same explanation twice is no error.

    Raises:
        DuplicateClassError: the name is explained otherwise already.
    """
    for one in classes:
        if _registry.setdefault(one.name, one) != one:
            raise DuplicateClassError(f"the class {one.name!r} is explained twice")


def fault_class(name: str) -> FaultClass | None:
    """Return the class of this name, or None."""
    return _registry.get(name)


def fault_classes() -> Iterator[FaultClass]:
    """Yield every class by name."""
    return (one for _, one in sorted(_registry.items()))


ENGINE_CLASSES: Final = (
    FaultClass(
        "amount.not_a_number",
        "NaN, infinity, text that is no number, or more than 14 digits before the point",
        "money",
        "Correct the amount in the old system and dump it again; or let finance book these records by hand and waive the class.",
    ),
    FaultClass(
        "money.rounded", "more than four decimals; rounded half-even, the original kept", "money", _LOADED
    ),
    FaultClass("number.not_an_integer", "no whole number of 32 bits", "counts", _CORRECT),
    FaultClass(
        "number.repeated",
        "a number, such as an order's, that an earlier record has; loaded as it is",
        "orders",
        "Decide which of the records keeps the number; both are there.",
    ),
    FaultClass("date.not_a_date", "no date in any form we know", "dates", _CORRECT),
    FaultClass("date.out_of_range", "before the year 1 or after 9999", "dates", _LOADED),
    FaultClass(
        "date.zero",
        "a zero date of MariaDB or MySQL, such as 0000-00-00",
        "dates",
        'Correct it in the old system, or say `zero_dates = "null"` of the source.',
    ),
    FaultClass("date.impossible", "a date that no calendar has, such as 2024-02-31", "dates", _CORRECT),
    FaultClass(
        "date.infinite",
        "infinity as a date of PostgreSQL",
        "dates",
        'Correct it in the old system, or say `infinite_dates = "null"` of the source.',
    ),
    FaultClass(
        "text.invalid",
        "bytes that are no text in the declared character set",
        "text",
        'Correct it in the old system, or say `invalid_text = "bytes"` of the source.',
    ),
    FaultClass("record.not_a_row", "a kept row that cannot be read again", "rows of tables", _BYTES),
    FaultClass("flag.not_a_flag", "neither true nor false in any spelling", "flags", _CORRECT),
    FaultClass("text.wrong_type", "neither text nor a whole number where text belongs", "text", _CORRECT),
    FaultClass(
        "text.unstorable", "NUL or half a surrogate pair, left out; the original kept", "text", _LOADED
    ),
    FaultClass("currency.not_a_code", "not three letters", "currency", _CORRECT),
    FaultClass(
        "state.unknown",
        "a state that the mapping's table does not have; ours is `unknown`, theirs is kept",
        "states",
        "Add the state to the mapping's table and load again: a new version of the mapping loads every chunk anew.",
    ),
    FaultClass(
        "address.unknown_kind",
        "an address that is neither for billing nor for shipping; taken for billing",
        "addresses",
        _LOADED,
    ),
    FaultClass("list.not_a_list", "neither a list nor an object with numeric keys", "lists", _CORRECT),
    FaultClass("list.not_a_document", "an element of a list that is no document", "lists", _CORRECT),
    FaultClass("field.missing", "a needed field is absent or null", "any", _CORRECT),
    FaultClass(
        "key.missing",
        "the record has no `_id`, or NULL in a column of its key",
        "keys",
        "Give the record a key in the old system and dump it again, or name another key in the mapping.",
    ),
    FaultClass(
        "key.not_a_key",
        "an `_id` that cannot be one",
        "keys",
        "Give the record an `_id` that is an ObjectId, a whole number, a text or a UUID, and dump it again.",
    ),
    FaultClass(
        "key.repeated",
        "a record, or an element of a record, with a key that an earlier one has; the first wins",
        "keys",
        "Remove one of the two in the old system; where a source was renamed, give it its old name again.",
    ),
    FaultClass("reference.not_a_reference", "a reference in no known form", "references", _CORRECT),
    FaultClass(
        "reference.missing",
        "refers to a record that is not there; loaded empty",
        "references",
        "Find the record, or accept the gap. When it comes in a later load the reference is filled and the finding goes.",
    ),
    FaultClass(
        "reference.quarantined",
        "refers to a record in quarantine; loaded empty",
        "references",
        "Correct the quarantined record and load again: the reference is filled and the finding goes.",
    ),
    FaultClass(
        "date.ambiguous",
        "a time without a zone in an hour that the source's clocks showed twice; the first is taken",
        "dates",
        _LOADED,
    ),
    FaultClass(
        "date.nonexistent",
        "a time without a zone that the source's clocks skipped; taken as if they had not been put forward",
        "dates",
        "Nothing is lost: the original stands beside the row. Where many are told, the declared `timezone` of the source may be wrong.",
    ),
    FaultClass(
        "date.not_a_day", "a time of day, or no date, where a calendar day belongs", "dates", _CORRECT
    ),
    FaultClass("time.not_a_time", "neither a time of day nor a length of time", "times", _CORRECT),
    FaultClass("number.not_a_number", "NaN, infinity, or text that is no number", "numbers", _CORRECT),
    FaultClass(
        "number.too_fine",
        "more digits after the point than the mapping declares; never rounded",
        "numbers",
        "Give the field a codec with more places, or correct the value in the old system.",
    ),
    FaultClass("number.too_large", "more digits than any column keeps", "numbers", _CORRECT),
    FaultClass(
        "number.not_a_double",
        "no double, or a whole number that a double would not keep",
        "numbers",
        "Give the field the codec Exact or BigInteger, or correct the value in the old system.",
    ),
    FaultClass(
        "choice.unknown",
        "a word that the mapping's closed list does not have",
        "enumerations",
        "Add the word to the mapping and load again: a new version of the mapping loads every chunk anew.",
    ),
    FaultClass(
        "enum.not_a_member",
        "an ENUM that holds none of its members: the server had refused the value and kept the empty text",
        "enumerations",
        _CORRECT,
    ),
    FaultClass("uuid.not_a_uuid", "no UUID in any form", "identifiers", _CORRECT),
    FaultClass("bytes.not_bytes", "something else where bytes belong", "bytes", _CORRECT),
    FaultClass("json.not_json", "text that is no JSON where JSON belongs", "JSON", _CORRECT),
    FaultClass(
        "value.refused",
        "a function of the mapping refused the value; the reason is its own",
        "the mapping",
        "Read the reason with `caravan quarantine list`; correct the value, or the function.",
    ),
    FaultClass(
        "value.not_as_declared",
        "a value of SQLite or CSV that is not what the migration file says of its column",
        "the source",
        "Correct the value, or what `columns` of the source says.",
    ),
    FaultClass("value.not_of_its_type", "a value that its declared type cannot have", "the source", _CORRECT),
    FaultClass(
        "array.bounds", "an array that does not begin at 1, which a list cannot keep", "the source", _CORRECT
    ),
    FaultClass("row.wrong_length", "more or fewer values than the table has columns", "the source", _BYTES),
    FaultClass(
        "key.unknown",
        "a row of ours that has no key in the old system yet, so it cannot be written back",
        "the way back",
        "It gets one when it is first written back; where this stays, tell which data set it is.",
    ),
    FaultClass(
        "reference.unknown",
        "refers to a row of ours that has no key in the old system yet",
        "the way back",
        "Write back the row it refers to first: let the data sets follow what refers to what.",
    ),
    FaultClass(
        "value.no_inverse",
        "a value of ours for which the old system has no word",
        "the way back",
        "Add the pair to the mapping, or keep the value from being written on our side until the old one is gone.",
    ),
    FaultClass("record.not_bson", "bytes that are no document", "the source", _BYTES),
    FaultClass("record.not_json", "text that is no JSON document", "the source", _BYTES),
    FaultClass("record.invalid_utf8", "text that is not UTF-8", "the source", _CORRECT),
    FaultClass(
        "record.too_large",
        "larger than what MongoDB stores: 16 MiB, or 64 MiB as JSON text",
        "the source",
        "Move what is large out of the record in the old system, then dump it again.",
    ),
    FaultClass("record.too_deep", "nested too deeply to be read", "the source", _CORRECT),
    FaultClass(
        "target.refused",
        "PostgreSQL refuses the row; the reason is its own",
        "the tables",
        "Read the reason with `caravan quarantine list`; correct the record, or the mapping where it is the mapping's fault.",
    ),
    FaultClass(
        "legacy.refused",
        "the old store does not take a record that is written back; the reason is its own",
        "the old store",
        "Read the reason with `caravan quarantine list`; correct the record here, and it is written back again.",
    ),
    FaultClass(
        "mapping.one_way",
        "the mapping of the record has no way back",
        "the mapping",
        "Declare the mapping as an entity of fields and codecs; what is written by hand in Python cannot be turned back.",
    ),
    FaultClass(
        "mapping.failed",
        "a mistake of the mapping itself; please report it",
        "the mapping",
        "Report it with the reason from `caravan quarantine list`; after the mapping is corrected, load again.",
    ),
)
"""What the engine itself and the codecs that every mapping uses can say."""

register(*ENGINE_CLASSES)

"""For each codec: what is written back is read again as the same normal value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import bson
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.mapping import codecs
from caravan.migration.mapping.codecs import Codec
from caravan.migration.mapping.contract import InverseContext, MappingContext
from caravan.migration.mapping.errors import BadValueError
from caravan.migration.mapping.keys import ReferenceKey, id_of
from caravan.migration.mapping.originals import relaxed_json
from caravan.migration.verify.jsonb_text import jsonb_text

PARIS = ZoneInfo("Europe/Paris")
CONTEXT = MappingContext(UUID(int=1), None, UUID(int=2), timezone="Europe/Paris")
KEYS: list[ReferenceKey] = [
    ("i", "12"),
    ("s", "abc"),
    ("o", str(ObjectId(b"k" * 12))),
    ("u", str(UUID(int=9))),
    ("b", "00ff"),
]
KNOWN = {id_of(CONTEXT.namespace.bytes, "customer", *key): key for key in KEYS}


def find_key(entity: str, row_id: bytes) -> ReferenceKey | None:
    return KNOWN.get(row_id) if entity == "customer" else None


def context(shape: Literal["document", "row"]) -> InverseContext:
    return InverseContext(CONTEXT, find_key, shape)


def told_once(instant: datetime) -> bool:
    """Whether the wall clock showed this instant's time once."""
    local = instant.astimezone(PARIS).replace(tzinfo=None)
    return local.replace(tzinfo=PARIS, fold=0).utcoffset() == local.replace(tzinfo=PARIS, fold=1).utcoffset()


AMOUNTS = st.decimals(min_value=-(10**13), max_value=10**13, places=4)
STORABLE = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
INSTANTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001
TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | STORABLE | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(STORABLE.filter(lambda name: not name.startswith("$")), inner, max_size=3)
    ),
    max_leaves=6,
)


@dataclass(frozen=True)
class Case:
    codec: Codec
    values: st.SearchStrategy[Any] = field(repr=False)


CASES = [
    Case(codecs.Text(), STORABLE),
    Case(codecs.Currency(), st.sampled_from(["EUR", "XYZ"])),
    Case(codecs.Money(), AMOUNTS),
    Case(codecs.Money(written="double"), AMOUNTS),
    Case(codecs.Money(written="text"), AMOUNTS),
    Case(codecs.Integer(), st.integers(-(2**31), 2**31 - 1)),
    Case(codecs.BigInteger(), st.integers(-(2**63), 2**63 - 1)),
    Case(codecs.CountFlag(), st.integers(-(2**31), 2**31 - 1)),
    Case(codecs.Flag(), st.booleans()),
    Case(codecs.Exact(0), st.integers(0, 2**64 - 1).map(Decimal)),
    Case(codecs.Exact(3), st.decimals(allow_nan=False, allow_infinity=False, places=3)),
    Case(codecs.Exact(), st.decimals(allow_nan=False, allow_infinity=False)),
    Case(codecs.Float(), st.floats(allow_nan=False)),
    Case(codecs.Choice((("new", "open"), ("fresh", "open"), ("done", "closed")), "unknown"), st.sampled_from(["open", "closed"])),
    Case(codecs.Enumeration((("a", "b"), ("b", "a"), "c")), st.sampled_from("abc")),
    Case(codecs.Date(), INSTANTS),
    Case(codecs.LocalDate(), INSTANTS.filter(told_once)),
    Case(codecs.Day(), st.dates()),
    Case(codecs.Time(), st.timedeltas().map(codecs.Time().decoder(CONTEXT))),
    Case(codecs.Uuid(), st.uuids().map(lambda value: value.bytes)),
    Case(codecs.Bytes(), st.binary()),
    Case(codecs.KeyText(), STORABLE | st.binary(min_size=12, max_size=12).map(bytes.hex)),
    Case(codecs.Json(), TREES.map(relaxed_json)),
    Case(codecs.JsonText(), TREES.map(relaxed_json).filter(lambda raw: b"$number" not in raw)),
    Case(codecs.JsonList(), st.lists(TREES, max_size=3).map(relaxed_json)),
    Case(codecs.ForeignKey("customer", "customers"), st.sampled_from(sorted(KNOWN))),
    Case(codecs.ReferenceTo("customer", "customers"), st.sampled_from(sorted(KNOWN))),
    Case(codecs.ReferenceTo("customer", "customers", dbref="people"), st.sampled_from(sorted(KNOWN))),
    Case(
        codecs.Through("tests.fixtures.pure_functions:doubled", "tests.fixtures.pure_functions:halved", "integer"),
        st.integers(-(2**30), 2**30).map(lambda half: half * 2),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=repr)
@pytest.mark.parametrize("shape", ["document", "row"])
def test_what_is_written_back_is_read_as_the_same(case: Case, shape: Literal["document", "row"]) -> None:
    encode, decode = case.codec.encoder(context(shape)), case.codec.decoder(CONTEXT)
    stored = stored_in_bson if shape == "document" else as_it_is
    told = jsonb_text if case.codec.sql_type == "jsonb" else as_it_is
    exact: Callable[[Any], Any] = (
        whole_milliseconds if shape == "document" and case.codec.sql_type == "timestamptz" else as_it_is
    )

    @given(case.values)
    def there_and_back(value: object) -> None:
        assert told(decode(stored(encode(exact(value))))) == told(exact(value))

    there_and_back()


def test_every_codec_is_tried() -> None:
    public = {getattr(codecs, name) for name in codecs.__all__}
    of_ours = {kind for kind in public if isinstance(kind, type) and issubclass(kind, Codec)} - {Codec}
    assert of_ours == {type(case.codec) for case in CASES}


def test_what_has_no_word_or_key_in_the_source_is_refused() -> None:
    for codec, value, kind in (
        (codecs.Choice((("new", "open"),), "unknown"), "unknown", "value.no_inverse"),
        (codecs.Enumeration(("a",)), "b", "value.no_inverse"),
        (codecs.ForeignKey("customer", "customers"), bytes(16), "reference.unknown"),
    ):
        with pytest.raises(BadValueError) as caught:
            codec.encode(value, context("row"))
        assert caught.value.kind == kind
    assert codecs.Text().encode(None, context("row")) is None


def stored_in_bson(value: object) -> object:
    options: bson.codec_options.CodecOptions[dict[str, Any]] = bson.codec_options.CodecOptions(
        tz_aware=True, tzinfo=UTC
    )
    return bson.decode(bson.encode({"a": in_utc(value)}), options)["a"]


def in_utc(value: object) -> object:
    """BSON takes a naive time as UTC; a zone of the source belongs to rows."""
    return value.replace(tzinfo=PARIS) if isinstance(value, datetime) and value.tzinfo is None else value


def whole_milliseconds(value: datetime) -> datetime:
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def as_it_is(value: Any) -> Any:  # noqa: ANN401 - of any type
    return value

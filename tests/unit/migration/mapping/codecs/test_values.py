"""Each codec against what sources hold: what it takes, as what, and how it refuses the rest."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from bson import Binary, DBRef, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from caravan.core.ids import legacy_id
from caravan.migration.mapping.codecs import (
    BigInteger,
    Bytes,
    Choice,
    Codec,
    CountFlag,
    Currency,
    Date,
    Day,
    Enumeration,
    Exact,
    Flag,
    Float,
    ForeignKey,
    Integer,
    Json,
    JsonList,
    KeyText,
    LocalDate,
    Money,
    ReferenceTo,
    Text,
    Through,
    Time,
    Uuid,
)
from caravan.migration.mapping.contract import MappingContext
from caravan.migration.mapping.errors import NOTHING, BadValueError, MappingDeclarationError

CONTEXT = MappingContext(UUID(int=1), None, UUID(int=2), timezone="Europe/Paris")
OID = ObjectId("507f1f77bcf86cd799439011")
STATE = Choice((("complete", "completed"), ("partial", "draft")), "unknown")
CUSTOMER = ReferenceTo("customer", "customers")
OWNER = ForeignKey("owner", "owners")
COLOUR = Enumeration((("rouge", "red"), "blue"))


def of(tag: str, text: str) -> bytes:
    return legacy_id(CONTEXT.namespace, "customer", tag, text).bytes  # type: ignore[arg-type]


def of_owner(tag: str, text: str) -> bytes:
    return legacy_id(CONTEXT.namespace, "owner", tag, text).bytes  # type: ignore[arg-type]


TAKEN = [
    (Text(), "été", "été"),
    (Text(), 536365, "536365"),
    (Text(), Int64(7), "7"),
    (Text(), "", ""),
    (Currency(), "gbp", "GBP"),
    (Money(), 0.1, Decimal("0.1")),
    (Money(), 1e-4, Decimal("0.0001")),
    (Money(), -0.0, Decimal(0)),
    (Money(), 12, Decimal(12)),
    (Money(), Int64(12), Decimal(12)),
    (Money(), " 12.50 ", Decimal("12.5")),
    (Money(), ".5", Decimal("0.5")),
    (Money(), "-1e2", Decimal(-100)),
    (Money(), Decimal128("1E+3"), Decimal(1000)),
    (Money(), Decimal128("2.50000"), Decimal("2.5")),
    (Money(), "99999999999999.9999", Decimal("99999999999999.9999")),
    (Integer(), 5, 5),
    (Integer(), True, 1),
    (Integer(), 5.0, 5),
    (Integer(), "-5", -5),
    (Flag(), True, True),
    (Flag(), 0, False),
    (Flag(), Int64(1), True),
    (Flag(), 1.0, True),
    (Flag(), "0", False),
    (Flag(), "1", True),
    (Flag(), "FALSE", False),
    (Flag(), "true", True),
    (CountFlag(), False, 0),
    (CountFlag(), "true", 1),
    (CountFlag(), 3, 3),
    (CountFlag(), "4", 4),
    (STATE, "complete", "completed"),
    (STATE, " Partial", "draft"),
    (Date(), datetime(2024, 5, 1, 12), datetime(2024, 5, 1, 10, tzinfo=UTC)),  # noqa: DTZ001 - the source's zone
    (Date(), date(2024, 5, 1), datetime(2024, 4, 30, 22, tzinfo=UTC)),
    (LocalDate(), datetime(2024, 1, 1, 12), datetime(2024, 1, 1, 11, tzinfo=UTC)),  # noqa: DTZ001 - the source's zone
    (Day(), date(2024, 2, 29), date(2024, 2, 29)),
    (Day(), datetime(2024, 2, 29), date(2024, 2, 29)),  # noqa: DTZ001 - midnight
    (Day(), " 2024-02-29", date(2024, 2, 29)),
    (Time(), timedelta(hours=-838, minutes=-59, seconds=-59), "-838:59:59"),
    (Time(), time(1, 2, 3, 450_000), "01:02:03.45"),
    (Time(), "1:02:03", "01:02:03"),
    (Time(), "24:00:00", "24:00:00"),
    (BigInteger(), 2**63 - 1, 2**63 - 1),
    (BigInteger(), "-9223372036854775808", -(2**63)),
    (Exact(0), 2**64 - 1, Decimal(2**64 - 1)),
    (Exact(2), Decimal("12.3"), Decimal("12.30")),
    (Exact(), Decimal("1E-30"), Decimal("1E-30")),
    (Float(), 0.1, 0.1),
    (Float(), 5, 5.0),
    (Uuid(), UUID(int=7), UUID(int=7).bytes),
    (Uuid(), Binary(UUID(int=7).bytes, 4), UUID(int=7).bytes),
    (Uuid(), str(UUID(int=7)).upper(), UUID(int=7).bytes),
    (Bytes(), b"\x00\xff", b"\x00\xff"),
    (COLOUR, "rouge", "red"),
    (COLOUR, "blue", "blue"),
    (OWNER, 12, of_owner("i", "12")),
    (OWNER, Decimal(12), of_owner("i", "12")),
    (OWNER, "507f1f77bcf86cd799439011", of_owner("s", "507f1f77bcf86cd799439011")),
    (OWNER, UUID(int=5), of_owner("u", str(UUID(int=5)))),
    (OWNER, date(2024, 2, 29), of_owner("s", "2024-02-29")),
    (
        Through("tests.fixtures.pure_functions:doubled", "tests.fixtures.pure_functions:halved", "integer"),
        4,
        8,
    ),
    (
        Date(),
        datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2))),
        datetime(2024, 5, 1, 10, tzinfo=UTC),
    ),
    (Date(), Timestamp(1_700_000_000, 3), datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    (Date(), 1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    (Date(), "2024-05-01T12:00:00Z", datetime(2024, 5, 1, 12, tzinfo=UTC)),
    (Date(), "2024-05-01 12:00:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    (Date(), "2024-01-01", datetime(2023, 12, 31, 23, tzinfo=UTC)),
    (Date(), DatetimeMS(1500), datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)),
    (Json(), {"ip": "10.0.0.1", "ok": True, "no": None}, b'{"ip":"10.0.0.1","ok":true,"no":null}'),
    (Json(), {"n": 1, "big": Int64(2), "x": 1.5}, b'{"n":1,"big":2,"x":1.5}'),
    (Json(), {"d": Decimal128("1.10")}, b'{"d":{"$numberDecimal":"1.10"}}'),
    (Json(), {"n": float("nan")}, b'{"n":{"$numberDouble":"NaN"}}'),
    (Json(), "text", b'"text"'),
    (JsonList(), [], b"[]"),
    (JsonList(), {}, b"[]"),
    (JsonList(), {"10": "k", "2": "c", "0": "a"}, b'["a","c","k"]'),
    (KeyText(), OID, str(OID)),
    (KeyText(), "ABCDEF0123456789ABCDEF01", "ABCDEF0123456789ABCDEF01"),
    (KeyText(), DBRef("affiliates", OID, "rps"), str(OID)),
    (KeyText(), 12, "12"),
    (CUSTOMER, OID, of("o", str(OID))),
    (CUSTOMER, DBRef("customers", OID), of("o", str(OID))),
    (CUSTOMER, DBRef("customers", OID, "rps"), of("o", str(OID))),
    (CUSTOMER, DBRef("customers", 12), of("i", "12")),
    (CUSTOMER, str(OID).upper(), of("o", str(OID))),
    (CUSTOMER, "abc", of("s", "abc")),
    (CUSTOMER, 12, of("i", "12")),
    (CUSTOMER, Int64(12), of("i", "12")),
    (CUSTOMER, 12.0, of("i", "12")),
    (CUSTOMER, {"id": OID}, of("o", str(OID))),
    (CUSTOMER, {"$ref": "customers", "$id": 12}, of("i", "12")),
    (CUSTOMER, Binary(bytes(16), 4), of("u", str(UUID(int=0)))),
    (CUSTOMER, Binary(bytes(16), 3), of("u", str(UUID(int=0)))),
    (CUSTOMER, UUID(int=5), of("u", str(UUID(int=5)))),
    (CUSTOMER, b"\x01\x02", of("b", "0102")),
]


@pytest.mark.parametrize(("codec", "value", "normal"), TAKEN)
def test_a_value_becomes_its_normal_form(codec: Codec, value: object, normal: object) -> None:
    found = codec.decode(value, CONTEXT)
    assert found == normal
    assert type(found) is type(normal)


REFUSED = [
    (Day(), datetime(2024, 2, 29, 1), "date.not_a_day"),  # noqa: DTZ001 - a time of day
    (Day(), "2024-02-30", "date.out_of_range"),
    (Time(), "25", "time.not_a_time"),
    (BigInteger(), 2**63, "number.not_an_integer"),
    (Exact(2), Decimal("12.345"), "number.too_fine"),
    (Exact(), float("nan"), "number.not_a_number"),
    (Exact(), True, "number.not_a_number"),
    (Float(), 2**53 + 1, "number.not_a_double"),
    (Float(), "1.5", "number.not_a_double"),
    (Uuid(), "no", "uuid.not_a_uuid"),
    (Bytes(), "text", "bytes.not_bytes"),
    (COLOUR, "Rouge", "choice.unknown"),
    (COLOUR, 1, "choice.unknown"),
    (OWNER, 1.5, "reference.not_a_reference"),
    (OWNER, {"id": 1}, "reference.not_a_reference"),
    (Through("tests.fixtures.pure_functions:doubled", "", "integer", loss="all"), "x", "value.refused"),
    (Text(), 1.5, "text.wrong_type"),
    (Text(), True, "text.wrong_type"),
    (Text(), {"a": 1}, "text.wrong_type"),
    (Text(), b"raw", "text.wrong_type"),
    (Currency(), "pounds", "currency.not_a_code"),
    (Currency(), 826, "currency.not_a_code"),
    (Money(), float("nan"), "amount.not_a_number"),
    (Money(), float("inf"), "amount.not_a_number"),
    (Money(), Decimal128("NaN"), "amount.not_a_number"),
    (Money(), Decimal128("-Infinity"), "amount.not_a_number"),
    (Money(), "", "amount.not_a_number"),
    (Money(), "1_000", "amount.not_a_number"),
    (Money(), "12,50", "amount.not_a_number"),
    (Money(), "١٢", "amount.not_a_number"),
    (Money(), "NaN", "amount.not_a_number"),
    (Money(), True, "amount.not_a_number"),
    (Money(), {}, "amount.not_a_number"),
    (Money(), [1], "amount.not_a_number"),
    (Money(), 10**14, "amount.not_a_number"),
    (Money(), "1e400", "amount.not_a_number"),
    (Money(), "99999999999999.99999", "amount.not_a_number"),
    (Integer(), 2**31, "number.not_an_integer"),
    (Integer(), 1.5, "number.not_an_integer"),
    (Integer(), float("nan"), "number.not_an_integer"),
    (Integer(), "x", "number.not_an_integer"),
    (Flag(), 2, "flag.not_a_flag"),
    (Flag(), "yes", "flag.not_a_flag"),
    (Flag(), None.__class__, "flag.not_a_flag"),
    (CountFlag(), "yes", "flag.not_a_flag"),
    (CountFlag(), 1.5, "flag.not_a_flag"),
    (Date(), DatetimeMS(-62_169_984_000_000), "date.out_of_range"),
    (Date(), DatetimeMS(2**62), "date.out_of_range"),
    (Date(), 10**12, "date.out_of_range"),
    (Date(), 2**62, "date.out_of_range"),
    (Date(), "-0001-11-30 00:00:00", "date.out_of_range"),
    (Date(), "0000-00-00", "date.out_of_range"),
    (Date(), "0001-01-01T00:00:00+05:00", "date.out_of_range"),
    (Date(), "soon", "date.not_a_date"),
    (Date(), 1.5, "date.not_a_date"),
    (Date(), True, "date.not_a_date"),
    (JsonList(), "a", "list.not_a_list"),
    (JsonList(), {"a": 1}, "list.not_a_list"),
    (JsonList(), {"²": 1}, "list.not_a_list"),
    (CUSTOMER, {"name": "x"}, "reference.not_a_reference"),
    (CUSTOMER, 1.5, "reference.not_a_reference"),
    (CUSTOMER, [OID], "reference.not_a_reference"),
    (CUSTOMER, "a\x00", "reference.not_a_reference"),
    (CUSTOMER, "\ud800", "reference.not_a_reference"),
    (KeyText(), 1.5, "reference.not_a_reference"),
]


@pytest.mark.parametrize(("codec", "value", "kind"), REFUSED)
def test_what_a_codec_cannot_take_has_a_stable_class(codec: Codec, value: object, kind: str) -> None:
    with pytest.raises(BadValueError) as caught:
        codec.decode(value, CONTEXT)
    assert caught.value.kind == kind
    assert caught.value.instead is NOTHING


MENDED = [
    (Money(), 1.00005, "money.rounded", Decimal("1.0000")),
    (Money(), 1.00015, "money.rounded", Decimal("1.0002")),
    (Money(), "0.00001", "money.rounded", Decimal("0.0000")),
    (Money(), Decimal128("2.123456"), "money.rounded", Decimal("2.1235")),
    (STATE, "lost", "state.unknown", "unknown"),
    (STATE, 7, "state.unknown", "unknown"),
    (Text(), "a\x00b", "text.unstorable", "ab"),
    (Text(), "a\ud800é", "text.unstorable", "a?é"),
    (KeyText(), "a\x00b", "text.unstorable", "ab"),
]


@pytest.mark.parametrize(("codec", "value", "kind", "instead"), MENDED)
def test_what_a_codec_can_only_take_changed_is_told(
    codec: Codec, value: object, kind: str, instead: object
) -> None:
    with pytest.raises(BadValueError) as caught:
        codec.decode(value, CONTEXT)
    assert (caught.value.kind, caught.value.instead) == (kind, instead)


@pytest.mark.parametrize(
    "codec", [Text(), Money(), Flag(), Date(), Json(), STATE, CUSTOMER, KeyText(), Integer()]
)
def test_null_is_null(codec: Codec) -> None:
    assert codec.decode(None, CONTEXT) is None


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_json_that_postgresql_cannot_hold_is_kept_in_hex(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass").hex()
    assert Json().decode({"k": [text, 5]}, CONTEXT) == f'{{"k":[{{"$utf8":"{raw}"}},5]}}'.encode()
    assert Json().decode({"k": text}, CONTEXT) == f'{{"k":{{"$utf8":"{raw}"}}}}'.encode()
    assert Json().decode({text: "v"}, CONTEXT) == f'{{"$utf8:{raw}":"v"}}'.encode()


@pytest.mark.parametrize("codec", [Date(), LocalDate()])
@pytest.mark.parametrize(
    ("local", "kind", "taken"),
    [
        (datetime(2024, 10, 27, 2, 30), "date.ambiguous", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2024, 3, 31, 2, 30), "date.nonexistent", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),  # noqa: DTZ001
    ],
)
def test_an_hour_that_came_twice_or_never_is_taken_by_rule_and_told(
    codec: Codec, local: datetime, kind: str, taken: datetime
) -> None:
    for value in (local, local.isoformat(" ")):
        with pytest.raises(BadValueError) as caught:
            codec.decode(value, CONTEXT)
        assert (caught.value.kind, caught.value.instead) == (kind, taken)


def test_functions_that_are_not_there_are_told_by_name() -> None:
    with pytest.raises(MappingDeclarationError, match="nowhere"):
        Through("tests.fixtures.pure_functions:nowhere", "", "text", loss="all").check()
    with pytest.raises(MappingDeclarationError, match="no inverse"):
        Through("tests.fixtures.pure_functions:doubled", "", "integer").check()


def test_a_long_value_is_shown_by_its_beginning() -> None:
    with pytest.raises(BadValueError) as caught:
        Money().decode("x" * 500, CONTEXT)
    assert len(caught.value.detail) < 100

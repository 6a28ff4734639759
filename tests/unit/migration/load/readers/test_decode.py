from datetime import UTC, datetime
from decimal import Decimal

import bson
import pytest
from bson import DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS

from caravan.migration.load.readers import RecordUndecodable, decode

OID = "65a000000000000000000001"


def _json(value: str) -> object:
    return decode("ejson", f'{{"v": {value}}}'.encode())["v"]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ('ISODate("2010-12-01T08:26:00Z")', datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ('ISODate("2010-12-01T08:26:00.250+02:00")', datetime(2010, 12, 1, 6, 26, 0, 250000, tzinfo=UTC)),
        ('ISODate("2010-12-01")', datetime(2010, 12, 1, tzinfo=UTC)),
        ("new Date(1291191960000)", datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        (f'ObjectId("{OID}")', ObjectId(OID)),
        ("NumberLong(12)", Int64(12)),
        ('NumberLong("9007199254740993")', Int64(9007199254740993)),
        ("NumberInt(3)", 3),
        ('NumberDecimal("19.9900")', Decimal128("19.9900")),
        ("NumberDecimal(19.99)", Decimal128("19.99")),
        (f'DBRef("customers", ObjectId("{OID}"))', DBRef("customers", ObjectId(OID))),
        (f'DBRef("customers", ObjectId("{OID}"), "rps")', DBRef("customers", ObjectId(OID), "rps")),
        ("Timestamp(1291191960, 2)", Timestamp(1291191960, 2)),
        ('BinData(0, "AP8=")', b"\x00\xff"),
        (
            'UUID("00112233-4455-6677-8899-aabbccddeeff")',
            Binary(bytes.fromhex("00112233445566778899aabbccddeeff"), 4),
        ),
        ("undefined", None),
        ("MinKey", MinKey()),
        ("MaxKey", MaxKey()),
        ('[ISODate("2010-12-01"), {"a": NumberInt(1)}]', [datetime(2010, 12, 1, tzinfo=UTC), {"a": 1}]),
    ],
)
def test_shell_forms_of_version_1_are_read(form, value):
    assert _json(form) == value


def test_what_looks_like_a_shell_form_inside_a_string_stays():
    text = r'{"a": ISODate("2010-12-01"), "b": "said \"ISODate(\"2010\") NumberLong(1) undefined\""}'
    assert decode("ejson", text.encode())["b"] == r'said "ISODate("2010") NumberLong(1) undefined"'


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ('{"$date": 1291191960000}', datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ('{"$date": "2010-12-01T09:26:00.000+0100"}', datetime(2010, 12, 1, 8, 26, tzinfo=UTC)),
        ('{"$date": {"$numberLong": "-62169984000000"}}', DatetimeMS(-62169984000000)),
        ('{"$binary": "AP8=", "$type": "00"}', b"\x00\xff"),
        ('{"$undefined": true}', None),
        (f'{{"$ref": "c", "$id": {{"$oid": "{OID}"}}}}', DBRef("c", ObjectId(OID))),
        (f'{{"$ref": "c", "$id": {{"$oid": "{OID}"}}, "$db": "rps"}}', DBRef("c", ObjectId(OID), "rps")),
        ('{"$numberLong": "5"}', Int64(5)),
        ('{"$symbol": "s"}', "s"),
    ],
)
def test_wrappers_of_all_versions_are_read(form, value):
    assert _json(form) == value


@pytest.mark.parametrize("digits", ["19.99", "0.1", "-33.0", "1e3", "166.944", "4.350", "1E-2"])
def test_a_number_a_double_keeps_is_a_double(digits):
    value = _json(digits)
    assert type(value) is float
    assert Decimal(repr(value)) == Decimal(digits)


@pytest.mark.parametrize("digits", ["12345678901234.5678", "0.10000000000000000001", "1e400"])
def test_a_number_a_double_would_change_keeps_its_digits(digits):
    assert _json(digits) == Decimal(digits)
    assert type(_json(digits)) is Decimal


def test_integers_are_integers_of_any_size():
    assert _json("123456789012345678901234567890") == 123456789012345678901234567890
    assert type(_json("5")) is int


def test_nan_is_given_as_it_is_for_the_mapping_to_refuse():
    assert str(_json("NaN")) == str(_json('{"$numberDouble": "NaN"}')) == "nan"


@pytest.mark.parametrize(
    ("format", "raw"),
    [
        ("ejson", b'{"a": 1, "b": 2, "a": 3}'),
        ("bson", b"\x1a\0\0\0\x10a\0\1\0\0\0\x10b\0\2\0\0\0\x10a\0\3\0\0\0\0"),
    ],
)
def test_of_a_key_that_is_there_twice_the_last_value_counts(format, raw):  # noqa: A002 - as the function names it
    assert decode(format, raw) == {"a": 3, "b": 2}


def test_times_are_aware_and_in_utc():
    at = decode("bson", bson.encode({"at": datetime(2024, 5, 1, tzinfo=UTC)}))["at"]
    assert at.tzinfo is UTC


def test_a_uuid_of_the_old_kind_stays_as_its_bytes():
    value = Binary(bytes(range(16)), 3)
    assert decode("bson", bson.encode({"v": value}))["v"] == value


def _deep() -> bytes:
    raw = b"\x05\0\0\0\0"
    for _ in range(3000):
        raw = (len(raw) + 8).to_bytes(4, "little") + b"\x03a\0" + raw + b"\0"
    return raw


@pytest.mark.parametrize(
    ("format", "raw", "reason"),
    [
        ("bson", b"\x0e\0\0\0\x02a\0\x02\0\0\0\xff\0\0", "record.invalid_utf8"),
        ("bson", b"\x0e\0\0\0\x02\xff\0\x02\0\0\0a\0\0", "record.invalid_utf8"),
        ("bson", b"\x0e\0\0\0\xeea\0\xc0\0\0\0\xff\0\0", "record.not_bson"),
        ("bson", b"\x0f\0\0\0\x02a\0\x02\0\0\0a\0\0", "record.not_bson"),
        ("bson", b"", "record.not_bson"),
        ("bson", _deep(), "record.too_deep"),
        ("ejson", b'{"a": "\xff"}', "record.invalid_utf8"),
        ("ejson", rb'{"a": "\ud800"}', "record.invalid_utf8"),
        ("ejson", b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "record.too_deep"),
        ("ejson", b'{"a": 1', "record.not_json"),
        ("ejson", b"{'a': 1}", "record.not_json"),
        ("ejson", b'{"a": Foo(1)}', "record.not_json"),
        ("ejson", b'{"a": ISODate()}', "record.not_json"),
        ("ejson", b'{"a": ISODate("yesterday")}', "record.not_json"),
        ("ejson", b'{"a": ObjectId("short")}', "record.not_json"),
        ("ejson", b'{"a": {"$oid": 5}}', "record.not_json"),
        ("ejson", b'{"a": {"$date": {"$numberLong": "x"}}}', "record.not_json"),
        ("ejson", b'{"a": {"$binary": {"base64": 1}}}', "record.not_json"),
        ("ejson", b'{"$oid": "65a000000000000000000001"}', "record.not_json"),
        ("ejson", b'{"a": {"$numberDecimal": "x"}}', "record.not_json"),
        ("ejson", b'{"a": 1e99999999999999999999}', "record.not_json"),
        ("ejson", b'{"a": ' + b"9" * 5000 + b"}", "record.not_json"),
    ],
)
def test_what_cannot_be_read_has_a_reason(format, raw, reason):  # noqa: A002 - as the function names it
    with pytest.raises(RecordUndecodable) as caught:
        decode(format, raw)
    assert caught.value.reason == reason
    assert caught.value.detail


def test_a_whole_surrogate_pair_is_fine():
    assert _json(r'"\ud83d\ude00"') == "\U0001f600"


def test_a_text_larger_than_its_document_is_read():
    raw = b'{"a": [' + b",".join([b'{"$numberInt":"1"}'] * 900_000) + b", 12345678901234.56789]}"
    assert len(decode("ejson", raw)["a"]) == 900_001

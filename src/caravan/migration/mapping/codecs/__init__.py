"""Codecs: from what a source may hold to what one column takes, and back."""

from caravan.migration.mapping.codecs.binary import Bytes
from caravan.migration.mapping.codecs.choices import Choice, Enumeration
from caravan.migration.mapping.codecs.codec import Codec, Decoder, Encoder
from caravan.migration.mapping.codecs.dates import Date, Day, LocalDate
from caravan.migration.mapping.codecs.flags import CountFlag, Flag
from caravan.migration.mapping.codecs.identifiers import ForeignKey, KeyText, ReferenceTo, Uuid
from caravan.migration.mapping.codecs.json import Json, JsonList, JsonText
from caravan.migration.mapping.codecs.money import Money
from caravan.migration.mapping.codecs.numbers import BigInteger, Exact, Float, Integer
from caravan.migration.mapping.codecs.text import Currency, Text
from caravan.migration.mapping.codecs.through import Through
from caravan.migration.mapping.codecs.times import Time

__all__ = [
    "BigInteger",
    "Bytes",
    "Choice",
    "Codec",
    "CountFlag",
    "Currency",
    "Date",
    "Day",
    "Decoder",
    "Encoder",
    "Enumeration",
    "Exact",
    "Flag",
    "Float",
    "ForeignKey",
    "Integer",
    "Json",
    "JsonList",
    "JsonText",
    "KeyText",
    "LocalDate",
    "Money",
    "ReferenceTo",
    "Text",
    "Through",
    "Time",
    "Uuid",
]

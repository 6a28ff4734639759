"""Codecs: from what a source may hold to what one column takes."""

from caravan.migration.mapping.codecs.choices import Choice
from caravan.migration.mapping.codecs.codec import Codec, Decoder
from caravan.migration.mapping.codecs.dates import Date
from caravan.migration.mapping.codecs.flags import CountFlag, Flag
from caravan.migration.mapping.codecs.identifiers import KeyText, ReferenceTo
from caravan.migration.mapping.codecs.json import Json, JsonList
from caravan.migration.mapping.codecs.money import Money
from caravan.migration.mapping.codecs.numbers import Integer
from caravan.migration.mapping.codecs.text import Currency, Text

__all__ = [
    "Choice",
    "Codec",
    "CountFlag",
    "Currency",
    "Date",
    "Decoder",
    "Flag",
    "Integer",
    "Json",
    "JsonList",
    "KeyText",
    "Money",
    "ReferenceTo",
    "Text",
]

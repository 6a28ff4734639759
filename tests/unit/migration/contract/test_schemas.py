"""Schemas are a lattice; evidence adds up; what is described accepts every sample."""

import json
import random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caravan.migration.contract.schemas import (
    ANY,
    NOTHING,
    Evidence,
    NotationError,
    Schema,
    describe,
    json_schema,
    lines_of,
    schema_of_lines,
)
from caravan.migration.contract.validation import validator_of
from tests.unit.migration.contract.schema_strategies import documents, schemas


def learnt(*values: object) -> Schema:
    evidence = Evidence()
    for value in values:
        evidence.add(value)
    return describe(evidence)


def lines(*values: object) -> dict[str, str]:
    return lines_of(learnt(*values))


@given(schemas, schemas, schemas)
def test_join_is_associative_commutative_and_idempotent(a: Schema, b: Schema, c: Schema) -> None:
    assert a.join(b).join(c) == a.join(b.join(c))
    assert a.join(b) == b.join(a)
    assert a.join(a) == a
    assert a.join(NOTHING) == a
    assert a.join(ANY) == ANY
    assert a.join(b).covers(a)


@given(st.lists(documents, min_size=1, max_size=8), st.randoms(use_true_random=False), st.integers(0, 8))
def test_evidence_adds_up_in_any_order_and_grouping(
    values: list[Any], shuffle: random.Random, cut: int
) -> None:
    shuffled = list(values)
    shuffle.shuffle(shuffled)
    first, second, empty = Evidence(), Evidence(), Evidence()
    for value in shuffled[:cut]:
        first.add(value)
    for value in shuffled[cut:]:
        second.add(value)
    second.merge(first)
    second.merge(empty)
    assert describe(second) == learnt(*values)


@given(st.lists(documents, min_size=1, max_size=8))
def test_what_was_described_accepts_every_sample(values: list[Any]) -> None:
    validator = jsonschema_rs.validator_for(json_schema(learnt(*values), closed=True))
    for value in values:
        validator.validate(value)


@given(schemas)
def test_lines_say_the_whole_schema(schema: Schema) -> None:
    if schema != NOTHING:
        assert schema_of_lines(lines_of(schema)) == schema


@given(schemas)
@settings(max_examples=30)
def test_every_schema_is_json_schema(schema: Schema) -> None:
    jsonschema_rs.meta.validate(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **json_schema(schema)}
    )


def test_a_record_tells_required_from_optional_and_null_from_absent() -> None:
    assert lines({"id": 1, "note": None, "x": 1}, {"id": 2, "note": "hm"}) == {
        "$": "object", "id": "integer", "note": "string | null", "x": "integer, optional",
    }  # fmt: skip


def test_integers_and_numbers_are_told_apart_by_how_they_are_written() -> None:
    assert lines([1], [2])["[]"] == "integer"
    assert lines([1.0], [2])["[]"] == "number"


def test_a_schema_of_one_does_not_take_one_point_nothing() -> None:
    check = validator_of(learnt({"n": 1}))
    assert not list(check({"n": 2}))
    assert [problem.path for problem in check({"n": 1.0})] == ["$.n"]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("2b0ce2ff-6d76-4a6d-a5b2-0b6f6b2f3d11", "uuid"),
        ("65a000000000000000000001", "objectid"),
        ("2026-01-02T03:04:05.678Z", "date-time-z"),
        ("2026-01-02T03:04:05+02:00", "date-time-offset"),
        ("2026-01-02T03:04:05.123456", "date-time-naive"),
        ("2026-01-02", "date"),
        ("a@b.example", "string"),  # one address may be chance
        ("2026-13-02", "string"),
        ("", "string"),
    ],
)
def test_texts_have_their_shape(value: str, shape: str) -> None:
    assert lines(value) == {"$": shape}


def test_shapes_that_could_be_chance_need_a_few_values() -> None:
    assert lines("a@b.example", "c@d.example", "e@f.example") == {"$": "email"}
    assert lines("10.00", "7.5", "3") == {"$": "decimal"}
    assert lines("1", "2", "3") == {"$": "decimal"}
    assert lines(*map(str, range(40))) == {"$": "digits"}


def test_styles_of_time_have_a_common_shape() -> None:
    assert lines("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+02:00") == {"$": "date-time"}


def test_values_are_closed_only_with_enough_of_each() -> None:
    assert lines(*["on", "off"] * 20) == {"$": '"off" | "on"'}
    assert lines(*["on", "off"] * 20, "new") == {"$": "string"}
    assert lines(*["on", "off"] * 5) == {"$": "string"}
    assert lines(*["two words"] * 40) == {"$": "string"}


def test_what_people_write_is_never_closed() -> None:
    assert lines(*[{"first_name": "Ada", "kind": "x"}] * 40)["first_name"] == "string"
    assert lines(*[{"firstName": "Ada", "kind": "x"}] * 40)["kind"] == '"x"'


def test_values_may_be_null_as_well() -> None:
    schema = learnt(*["on", "off", None] * 20)
    assert json_schema(schema) == {"type": ["null", "string"], "enum": [None, "off", "on"]}


def test_always_null_is_a_claim_only_after_enough_samples() -> None:
    assert lines(None, None) == {"$": "any"}
    assert lines(*[None] * 20) == {"$": "null"}


def test_objects_keyed_by_data_are_maps() -> None:
    assert lines({"12": {"n": 1}, "15": {"n": 2}}) == {
        "$": "map of digits",
        "{}": "object",
        "{}.n": "integer",
    }
    names = [{f"user{n}x": 1, f"user{n + 1}y": 2} for n in range(30)]
    assert lines(*names) == {"$": "map", "{}": "integer"}


def test_an_object_with_hundreds_of_keys_is_a_map_in_bounded_memory() -> None:
    assert lines({f"k{n}z": n for n in range(5000)}) == {"$": "map", "{}": "integer"}


def test_arrays_of_fixed_length_with_different_things_are_tuples() -> None:
    pairs = [["a b", 1], ["c d", 2], ["e f", 3], ["g h", 4], ["i j", 5]]
    assert lines(*pairs) == {"$": "array of 2", "[0]": "string", "[1]": "integer"}
    assert lines([1, 2], [3, 4], [5, 6], [7, 8], [9, 0]) == {"$": "array", "[]": "integer"}


def test_unions_name_every_type() -> None:
    assert lines({"a": 1}, [1], "x", 2, *[True]) == {
        "$": "string | object | array | integer | boolean", "a": "integer", "[]": "integer",
    }  # fmt: skip


def test_redacted_values_are_text_and_claim_nothing() -> None:
    assert lines("~secret.0123456789ab~", "2026-01-02") == {"$": "date"}
    assert lines(*["~secret.0123456789ab~"] * 50) == {"$": "string"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"$": "objekt"}, "no type objekt"),
        ({"$": "object | "}, "says no type"),
        ({"$": "object", "a.b": "integer"}, "a.b: the line above it, a, is missing"),
        ({"$": "object", "a b": "integer"}, "this is no path"),
        ({"$": "map of stones"}, "there is no type map of stones"),
    ],
)
def test_a_line_nobody_understands_is_named(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(NotationError, match=said):
        schema_of_lines(wrong)


def test_deep_documents_end_somewhere() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    assert json.dumps(json_schema(learnt(deep))).count("items") < 60

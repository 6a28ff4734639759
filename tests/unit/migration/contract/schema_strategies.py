"""Any schema, and any JSON document, for properties."""

from typing import Any

from hypothesis import strategies as st

from caravan.migration.contract.formats import FORMATS
from caravan.migration.contract.schemas import ANY, NOTHING, Array, Field, Object, Schema, String

__all__ = ["documents", "schemas"]

_names = st.sampled_from(["a", "b", "c", "odd name", "x.y", "[]", "", "{}", "é"])
_strings = st.one_of(
    st.just(String()),
    st.builds(String, format=st.sampled_from([form.name for form in FORMATS])),
    st.builds(
        String, values=st.frozensets(st.sampled_from(["on", "off", 'q"', "a|b", "x, optional"]), min_size=1)
    ),
)
_simple = st.frozensets(st.sampled_from(["null", "boolean", "integer", "number"])).map(
    lambda kinds: kinds - {"integer"} if "number" in kinds else kinds
)


def _containers(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    arrays = st.one_of(
        st.builds(Array, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: Array.of_positions(tuple(items))),
    )
    keys = st.none() | st.sampled_from([form.name for form in FORMATS])
    objects = st.one_of(
        st.dictionaries(_names, st.builds(Field, inner, st.booleans()), max_size=3).map(Object),
        st.builds(lambda values, form: Object(values=values, keys=form), inner, keys),
    )
    return st.builds(
        Schema,
        simple=_simple,
        string=st.none() | _strings,
        array=st.none() | arrays,
        object=st.none() | objects,
    )


schemas: st.SearchStrategy[Schema] = st.recursive(
    st.one_of(st.just(ANY), st.just(NOTHING), st.builds(Schema, simple=_simple, string=st.none() | _strings)),
    _containers,
    max_leaves=6,
)

_texts = st.text(max_size=6) | st.sampled_from(
    [
        "on",
        "off",
        "2026-01-02",
        "2026-01-02T03:04:05Z",
        "a@b.example",
        "12",
        "12.50",
        "65a000000000000000000001",
    ]
)
documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-100, 100) | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=8,
)

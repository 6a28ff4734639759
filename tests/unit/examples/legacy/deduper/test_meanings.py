"""Scores of meaning: the built-in overlap of words, and the model with a stand-in for its library."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from examples.legacy.deduper.src.article_duplicates.errors import DeduperError
from examples.legacy.deduper.src.article_duplicates.similar_meanings import meanings, readable
from examples.legacy.deduper.src.article_duplicates.word_overlap import WordOverlap

TEXTS = {1: "red lamp burns", 2: "red lamp shines", 3: "grey goose", 4: ""}


def test_a_text_is_compared_without_tags_and_up_to_a_thousand_characters() -> None:
    assert readable(" <p>a\n b</p>c ") == "a b c"
    assert len(readable("ab " * 1000)) == 1000


def test_word_overlap_is_the_cosine_of_shared_words() -> None:
    scores = WordOverlap(TEXTS, frozenset({1, 3, 4})).against_approved(2)
    assert scores == {1: pytest.approx(2 / 3)}
    assert WordOverlap(TEXTS, frozenset({1, 4})).against_approved(4) == {}


def test_a_word_counts_as_often_as_it_stands_there() -> None:
    texts = {1: "lamp lamp goose", 2: "lamp goose goose"}
    assert WordOverlap(texts, frozenset({1})).against_approved(2) == {1: pytest.approx(4 / 5)}


def test_the_switch_chooses_the_built_in_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEDUPER_BUILTIN_EMBEDDING", "1")
    assert meanings(TEXTS, frozenset({1})).against_approved(1) == {1: pytest.approx(1.0)}


def test_without_the_library_the_fault_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEDUPER_BUILTIN_EMBEDDING", raising=False)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(DeduperError, match="DEDUPER_BUILTIN_EMBEDDING=1"):
        meanings(TEXTS, frozenset({1}))


def test_a_model_that_cannot_be_loaded_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str) -> Any:  # noqa: ANN401 - stands for the library's class
        raise OSError("no network")

    monkeypatch.delenv("DEDUPER_BUILTIN_EMBEDDING", raising=False)
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=refuse))
    with pytest.raises(DeduperError, match="cannot be loaded: no network"):
        meanings(TEXTS, frozenset({1}))


class Vectors(list[list[float]]):
    """The part of an array that the model's scores need."""

    def __getitem__(self, places: Any) -> Any:  # noqa: ANN401 - a place, or several
        return Vectors(super(Vectors, self).__getitem__(place) for place in places)

    def __matmul__(self, vector: list[float]) -> "Vectors":
        return Vectors([sum(a * b for a, b in zip(row, vector, strict=True))] for row in self)

    def clip(self, low: float, high: float) -> "Vectors":
        return Vectors([min(max(score, low), high) for score in row] for row in self)

    def tolist(self) -> list[float]:
        return [row[0] for row in self]


class Model:
    """Stands for the sentence model: a text's vector is how many of its words are red, and how many grey."""

    max_seq_length = 0

    def __init__(self, name: str) -> None:
        assert name == "sentence-transformers/all-MiniLM-L6-v2"

    def encode(self, texts: list[str], *, batch_size: int, normalize_embeddings: bool) -> Vectors:
        assert (self.max_seq_length, batch_size, normalize_embeddings) == (256, 100, True)
        assert "" not in texts
        return Vectors([1.5 if "red" in text else -1.0, 1.0 if "grey" in text else 0.0] for text in texts)


def test_scores_of_the_model_are_dot_products_held_between_0_and_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEDUPER_BUILTIN_EMBEDDING", raising=False)
    monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=Model))
    scores = meanings(TEXTS, frozenset({1, 3, 4}))
    assert scores.against_approved(2) == {1: 1.0, 3: 0.0}
    assert scores.against_approved(4) == {}

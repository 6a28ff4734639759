"""Scores by the sentence model all-MiniLM-L6-v2, which is loaded from its cache or downloaded by its library."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from .errors import DeduperError

__all__ = ["SentenceModel"]

_MODEL: Final = "sentence-transformers/all-MiniLM-L6-v2"
_TOKENS: Final = 256
_BATCH: Final = 100


class SentenceModel:
    """Dot products of normalised vectors, held to 0 to 1."""

    def __init__(self, texts: Mapping[int, str], approved: frozenset[int]) -> None:
        model = _model()
        said = {article: text for article, text in texts.items() if text}  # an empty text is the zero vector
        encoded = model.encode(list(said.values()), batch_size=_BATCH, normalize_embeddings=True)
        self._vectors: dict[int, Any] = dict(zip(said, encoded, strict=True))
        self._approved = [article for article in said if article in approved]
        self._matrix: Any = encoded[[place for place, article in enumerate(said) if article in approved]]

    def against_approved(self, article: int) -> Mapping[int, float]:
        """Return the score by approved article that has a text."""
        vector = self._vectors.get(article)
        if vector is None:
            return {}
        scores = (self._matrix @ vector).clip(0.0, 1.0)
        return dict(zip(self._approved, scores.tolist(), strict=True))


def _model() -> Any:  # noqa: ANN401 - the library is not among our dependencies
    try:
        library = import_module("sentence_transformers")
    except ImportError as error:
        raise DeduperError(
            "sentence-transformers is not installed: install the extra deduper-model, or set"
            " DEDUPER_BUILTIN_EMBEDDING=1 for the built-in word overlap"
        ) from error
    try:
        model = library.SentenceTransformer(_MODEL)
    except Exception as error:  # the library raises whatever its loaders do
        raise DeduperError(f"the model {_MODEL} cannot be loaded: {error}") from error
    model.max_seq_length = _TOKENS
    return model

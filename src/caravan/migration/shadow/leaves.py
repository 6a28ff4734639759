"""The leaves of an answer by normalised path: what the blind spot is a part of."""

from collections.abc import Iterator

from caravan.migration.shadow.comparison import Seen
from caravan.migration.shadow.differences import child
from caravan.migration.shadow.documents import Document, is_leaf

__all__ = ["leaf_paths"]


def leaf_paths(seen: Seen) -> set[str]:
    """Return the paths of everything that is compared in this answer."""
    paths = {"status"}
    for root, document in (
        ("header", seen.heads[0]),
        ("cookie", seen.heads[1]),
        (seen.body.root, seen.body.document),
    ):
        paths.update(_leaves(root, document))
    return paths - {"header", "cookie", "body"}


def _leaves(path: str, document: Document) -> Iterator[str]:
    if is_leaf(document):
        yield path
    elif isinstance(document, dict):
        for name, value in document.items():
            yield from _leaves(child(path, name), value)
    elif isinstance(document, list):
        for value in document:
            yield from _leaves(f"{path}[*]", value)

"""Finds the collections of a source in the file names, and gives them names that are unique."""

from collections import Counter
from collections.abc import Iterable, Mapping

from caravan.migration.load.readers.errors import SourceCollectionMissing, SourceUnreadable
from caravan.migration.load.readers.protocol import CollectionInfo

__all__ = ["by_name", "choose"]


def by_name(found: Iterable[CollectionInfo]) -> dict[str, CollectionInfo]:
    """Key the collections by name, or by ``database.name`` where several databases have one of that name.

    Raises:
        SourceUnreadable: two files hold the same collection.
    """
    listed = sorted(found, key=lambda info: (info.name, info.database))
    shared = Counter(info.name for info in listed)
    collections: dict[str, CollectionInfo] = {}
    for info in listed:
        key = info.name if shared[info.name] == 1 else f"{info.database}.{info.name}"
        if (other := collections.get(key)) is not None:
            files = " and ".join(str(file) for file in (*other.files, *info.files))
            raise SourceUnreadable(
                f"{files} hold the same collection {key!r}; leave one of them", collection=key
            )
        collections[key] = info
    return collections


def choose(collections: Mapping[str, CollectionInfo], name: str, source: object) -> CollectionInfo:
    """Return the collection of this name; ``database.name`` is always understood.

    Raises:
        SourceCollectionMissing: there is none.
    """
    if (info := collections.get(name)) is not None:
        return info
    for info in collections.values():
        if f"{info.database}.{info.name}" == name:
            return info
    known = ", ".join(collections) or "none at all"
    raise SourceCollectionMissing(f"{source} has no collection {name!r}; it has {known}", collection=name)

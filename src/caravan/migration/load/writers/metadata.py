"""What ``mongodump`` says of a collection: its name, its indexes, its UUID."""

import json
from hashlib import sha256

__all__ = ["metadata_of"]


def metadata_of(database: str, collection: str) -> str:
    """Return the metadata as canonical Extended JSON; the UUID follows from the names."""
    return json.dumps(
        {
            "indexes": [{"v": {"$numberInt": "2"}, "key": {"_id": {"$numberInt": "1"}}, "name": "_id_"}],
            "uuid": sha256(f"{database}.{collection}".encode()).hexdigest()[:32],
            "collectionName": collection,
            "type": "collection",
        },
        ensure_ascii=False,
    )

"""From pgoutput messages to transactions."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from caravan.migration.capture.changes import Change, Position, Transaction
from caravan.migration.capture.errors import ChangesUnreadableError
from caravan.migration.capture.slot import messages
from caravan.migration.capture.slot.layouts import Layout, Layouts, key_of
from caravan.migration.capture.slot.left_out import LeftOut
from caravan.migration.capture.slot.messages import Cells

__all__ = ["TAG_PREFIX", "Decoding"]

TAG_PREFIX: Final = "caravan"
"""The prefix of the logical message whose content is the tag of its transaction."""

_BEGIN, _COMMIT, _RELATION, _TRUNCATE, _MESSAGE, _TYPE, _ORIGIN = b"BCRTMYO"
_ROWS: Final = dict(zip(b"IUD", (messages.insert, messages.update, messages.delete), strict=True))


class Decoding:
    """Takes the messages of one read of the slot, in order."""

    def __init__(self, layouts: Layouts, left_out: LeftOut) -> None:
        self._layouts = layouts
        self._left_out = left_out
        self._tables: dict[int, Layout | None] = {}
        self._changes: list[Change] = []
        self._tag = ""
        self.behind = 0
        """The position behind the last transaction of the last read, ours or not."""

    def transactions(self, data: Sequence[bytes], after: int) -> list[Transaction]:
        """Return the transactions that end behind ``after`` and have changes for us or a tag."""
        found = []
        skipped = _known_before(data, after)
        for number, message in enumerate(data):
            transaction = self._take(message, skip=number < skipped)
            if transaction is not None and (transaction.changes or transaction.tag):
                found.append(transaction)
        return found

    def _take(self, data: bytes, *, skip: bool) -> Transaction | None:
        kind = data[0]
        if kind == _RELATION:
            relation = messages.relation(data)
            self._tables[relation.oid] = self._layouts.of(relation)
        elif kind == _BEGIN:
            self._changes, self._tag = [], ""
        elif kind == _COMMIT:
            self.behind, at = messages.commit(data)
            if not skip:
                return Transaction(Position(self.behind), at, tuple(self._changes), self._tag)
        elif kind == _MESSAGE:
            inside, prefix, content = messages.logical_message(data)
            if inside and prefix == TAG_PREFIX:
                self._tag = content.decode()
        elif not skip and kind not in (_TYPE, _ORIGIN):
            self._row(kind, data)
        return None

    def _row(self, kind: int, data: bytes) -> None:
        if kind == _TRUNCATE:
            self._truncate(messages.truncate(data))
            return
        if kind not in _ROWS:
            raise ChangesUnreadableError(f"the log holds a message of the unknown kind {chr(kind)!r}")
        row = _ROWS[kind](data)
        layout = self._tables[row.oid]
        if layout is None:
            return
        if row.after is None:
            self._delete(layout, key_of(layout, row.before or []))
        elif row.before is None:
            self._upsert(layout, None, row.after)
        else:
            self._update(layout, row.before, row.after)

    def _truncate(self, oids: Sequence[int]) -> None:
        for oid in oids:
            if (layout := self._tables[oid]) is not None:
                self._changes.append(Change(layout.collection, "truncate", {}, None, len(self._changes)))

    def _update(self, layout: Layout, before: Cells, after: Cells) -> None:
        old = key_of(layout, before)
        # A key out of line that did not change is not repeated: then the old one is the new one.
        after = [
            before[number] if number in _places(layout) and cell is messages.UNCHANGED else cell
            for number, cell in enumerate(after)
        ]
        if old != key_of(layout, after):
            self._delete(layout, old)
        self._upsert(layout, before, after)

    def _upsert(self, layout: Layout, before: Cells | None, after: Cells) -> None:
        key = key_of(layout, after)
        cells = self._left_out.completed(layout, before, after)
        if cells is not None:
            step = len(self._changes)
            self._changes.append(Change(layout.collection, "upsert", key, layout.record(cells, step), step))

    def _delete(self, layout: Layout, key: Mapping[str, Any]) -> None:
        self._changes.append(Change(layout.collection, "delete", key, None, len(self._changes)))


def _places(layout: Layout) -> set[int]:
    return {place for _, place, _ in layout.key}


def _known_before(data: Sequence[bytes], after: int) -> int:
    """Return how many messages belong to transactions at or before ``after``: a slot gives again what is not confirmed."""
    known = 0
    for number, message in enumerate(data):
        if message[0] == _COMMIT and messages.commit(message)[0] <= after:
            known = number + 1
    return known

"""Compares two answers: status, headers, cookies and body, each as a document, place by place."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from caravan.migration.exchange import Answer
from caravan.migration.shadow.arrays import Alignment, align
from caravan.migration.shadow.bodies import Part, body_part
from caravan.migration.shadow.canonical import IdPair, Timestamp, read_moment
from caravan.migration.shadow.differences import Difference, Kind, Spot, child, shorten
from caravan.migration.shadow.documents import Document, kind_name, shown
from caravan.migration.shadow.heads import header_document, status_document
from caravan.migration.shadow.hosts import NO_HOSTS, OwnHosts
from caravan.migration.shadow.rules import EXACT, Rules

__all__ = ["Comparison", "Seen", "compare", "compare_documents"]

MOST_DIFFERENCES: Final = 1_000


@dataclass
class Seen:
    """An answer as it is compared, taken apart once."""

    answer: Answer
    hosts: OwnHosts = NO_HOSTS
    ignored: frozenset[str] = EXACT.ignored_headers

    @cached_property
    def heads(self) -> tuple[Document, Document]:
        return header_document(self.answer.headers, self.hosts, self.ignored)

    def ignored_names(self) -> set[str]:
        """Headers of the answer that are not compared; cookies and the body's length are, in their own way."""
        names = {name.lower() for name, _ in self.answer.headers}
        return (names & self.ignored) - {"set-cookie", "content-length"}

    @cached_property
    def body(self) -> Part:
        return body_part(self.answer)


@dataclass(slots=True)
class Comparison:
    """``weakened`` are values that differ and count as equal, ``ids`` the pairs to be held together throughout a flow.

    ``orders`` are arrays that hold the same in another order, with the member that names an element.
    """

    differences: list[Difference] = field(default_factory=list)
    weakened: list[tuple[str, Document, Document]] = field(default_factory=list)
    differing: list[tuple[str, Document, Document]] = field(default_factory=list)
    orders: list[tuple[str, str | None]] = field(default_factory=list)
    ids: list[IdPair] = field(default_factory=list)

    def spots(self) -> dict[Spot, Difference]:
        """The first difference of each spot."""
        found: dict[Spot, Difference] = {}
        for difference in self.differences:
            found.setdefault(difference.spot, difference)
        return found


def compare(old: Seen, new: Seen, rules: Rules = EXACT) -> Comparison:
    """Compare two answers; of statuses of two classes nothing else: an error page has other headers and fields."""
    walk = _Walk(rules, old.hosts, new.hosts)
    walk.step("status", status_document(old.answer), status_document(new.answer), ("status",))
    if old.answer.status // 100 != new.answer.status // 100:
        return walk.found
    walk.step("header", old.heads[0], new.heads[0], ("header",))
    walk.step("cookie", old.heads[1], new.heads[1], ("cookie",))
    if not walk.ids and _same_body(old.answer, new.answer):
        return walk.found
    if old.body.root != new.body.root:
        walk.add("body", Kind.TYPE, old.body.root, new.body.root, ("body",))
    else:
        walk.step(old.body.root, old.body.document, new.body.document, (old.body.root,))
    return walk.found


def compare_documents(
    old: Document,
    new: Document,
    root: str,
    rules: Rules = EXACT,
    hosts: tuple[OwnHosts, OwnHosts] = (NO_HOSTS, NO_HOSTS),
) -> Comparison:
    """Compare two documents; ``root`` starts the paths."""
    walk = _Walk(rules, *hosts)
    walk.step(root, old, new, (root,))
    return walk.found


def _same_body(old: Answer, new: Answer) -> bool:
    def form(answer: Answer) -> list[tuple[str, str]]:
        named = ((name.lower(), value) for name, value in answer.headers)
        return [each for each in named if each[0] in {"content-type", "content-encoding"}]

    return old.body.sha256 == new.body.sha256 and form(old) == form(new)


class _Walk:
    """Goes through two documents at once and notes what differs."""

    def __init__(self, rules: Rules, old_hosts: OwnHosts, new_hosts: OwnHosts) -> None:
        self.found = Comparison()
        self.ids = rules.ids
        self._rules = rules
        self._hosts = (old_hosts, new_hosts)

    def add(self, path: str, kind: Kind, old: str, new: str, trail: tuple[str | int, ...]) -> None:
        if len(self.found.differences) < MOST_DIFFERENCES:
            self.found.differences.append(Difference(path, kind, shorten(old), shorten(new), trail))

    def step(self, path: str, old: Any, new: Any, trail: tuple[str | int, ...]) -> None:  # noqa: ANN401 - Documents, narrowed
        if isinstance(old, dict) and isinstance(new, dict):
            if self.ids or old != new:
                self._members(path, old, new, trail)
        elif isinstance(old, list) and isinstance(new, list):
            if self.ids or old != new:
                self._elements(path, old, new, trail)
        else:
            if path in self.ids and isinstance(old, str | tuple) and isinstance(new, str | tuple):
                self.found.ids.append((path, old, new))
            if old != new:
                self._leaf(path, old, new, trail)

    def _members(
        self, path: str, old: dict[str, Any], new: dict[str, Any], trail: tuple[str | int, ...]
    ) -> None:
        weakened = len(self.found.weakened)
        for name, value in old.items():
            place = child(path, name)
            if name in new:
                self.step(place, value, new[name], (*trail, name))
            else:
                self.add(place, Kind.MISSING, shown(value), "", (*trail, name))
        for name in (each for each in new if each not in old):
            self.add(child(path, name), Kind.EXTRA, "", shown(new[name]), (*trail, name))
        if len(self.found.weakened) > weakened:
            self._order_of_moments(path, old, new, trail)

    def _order_of_moments(
        self, path: str, old: dict[str, Any], new: dict[str, Any], trail: tuple[str | int, ...]
    ) -> None:
        """Timestamps of one object may shift together; which comes before which may not change."""
        names = [
            name
            for name in old
            if name in new and isinstance(self._rules.values.get(child(path, name)), Timestamp)
        ]
        moments = [(read_moment(old[name]), read_moment(new[name])) for name in names]
        known = [(name, *both) for name, both in zip(names, moments, strict=True) if None not in both]
        for (name, before, after), (other, then, now) in pairwise(known):
            assert before and after and then and now  # noqa: S101, PT018 - None was sorted out above
            if (before.seconds - then.seconds) * (after.seconds - now.seconds) < 0:
                place = (*trail, other)
                self.add(child(path, other), Kind.ORDER, f"{name}, {other}", f"{other}, {name}", place)

    def _elements(self, path: str, old: list[Any], new: list[Any], trail: tuple[str | int, ...]) -> None:
        as_set = path in self._rules.sets
        alignment = (
            Alignment(tuple((place, place) for place in range(len(old))))
            if old == new
            else align(old, new, as_set=as_set, key=self._rules.sets.get(path))
        )
        if alignment.reordered:
            self.found.orders.append((path, alignment.key))
            if not as_set:
                self.add(path, Kind.ORDER, shown(old), shown(new), trail)
        if len(old) != len(new):
            self.add(path, Kind.LENGTH, str(len(old)), str(len(new)), trail)
        below = f"{path}[*]"
        for here, there in alignment.pairs:
            self.step(below, old[here], new[there], (*trail, here))
        for here in alignment.missing:
            self.add(below, Kind.MISSING, shown(old[here]), "", (*trail, here))
        for there in alignment.extra:
            self.add(below, Kind.EXTRA, "", shown(new[there]), (*trail, there))

    def _leaf(self, path: str, old: Document, new: Document, trail: tuple[str | int, ...]) -> None:
        if isinstance(old, str) and isinstance(new, str):
            if self._hosts[0].folded(old) == self._hosts[1].folded(new):
                return
            self.found.differing.append((path, old, new))
        elif isinstance(old, tuple) and isinstance(new, tuple):
            self.found.differing.append((path, old, new))
        rule = self._rules.values.get(path)
        if rule is not None and rule.accepts(old, new):
            self.found.weakened.append((path, old, new))
            return
        kind = Kind.VALUE if kind_name(old) == kind_name(new) else Kind.TYPE
        self.add(path, kind, shown(old), shown(new), trail)

"""Learning again onto a file that people have reviewed: their decisions stay, and what changed is told."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from caravan.migration.contract.model import AnswerShape, Contract, Route
from caravan.migration.contract.schemas import Field, Schema, lines_of, text_of

__all__ = ["Change", "relearn"]


@dataclass(frozen=True, slots=True)
class Change:
    """``kept``: the route is reviewed, so the file still says what it said."""

    route: str
    what: str
    kept: bool

    def __str__(self) -> str:
        return f"{self.route}: {self.what}{' (reviewed: the file keeps what it says)' if self.kept else ''}"


def relearn(known: Contract, fresh: Contract) -> tuple[Contract, tuple[Change, ...]]:
    """Return the known contract widened by what is fresh, and the changes.

    A reviewed route stays word for word. Of others the shapes are joined: what older recordings showed is not forgotten;
    effect and note stay, but a proposal to ``write`` is taken over a ``read`` that nobody reviewed.
    """
    routes, changes = dict(known.routes), list[Change]()
    for key, route in fresh.routes.items():
        before = known.routes.get(key)
        if before is None:
            routes[key] = route
            changes.append(Change(key, "a new route", kept=False))
            continue
        widened = _widened(before, route)
        changes += (Change(key, what, kept=before.reviewed) for what in _differences(before, widened))
        routes[key] = before if before.reviewed else widened
    changes += (
        Change(key, "not seen in this recording", kept=route.reviewed)
        for key, route in known.routes.items()
        if key not in fresh.routes or not fresh.routes[key].answers
    )
    merged = known.with_routes(routes)
    return (merged if merged == known else replace(merged, frozen=None)), tuple(changes)


def _widened(before: Route, fresh: Route) -> Route:
    if not fresh.answers:
        return before
    answers = {
        status: _either(before.answers.get(status), fresh.answers.get(status))
        for status in sorted(before.answers.keys() | fresh.answers.keys())
    }
    return replace(
        before,
        effect="write" if "write" in {before.effect, fresh.effect} and not before.reviewed else before.effect,
        path={name: schema.join(fresh.path.get(name, schema)) for name, schema in before.path.items()},
        query={
            name: _parameter(before.query.get(name), fresh.query.get(name))
            for name in sorted(before.query.keys() | fresh.query.keys())
        },
        request_types=before.request_types | fresh.request_types,
        request=_joined(before.request, fresh.request),
        answers=answers,
    )


def _either(first: AnswerShape | None, second: AnswerShape | None) -> AnswerShape:
    if first is None or second is None:
        return first or second or AnswerShape()
    return first.join(second)


def _parameter(first: Field | None, second: Field | None) -> Field:
    if first is None or second is None:
        known = first or second
        assert known is not None  # noqa: S101 - one of the two has the name
        return Field(known.schema, required=False)
    return Field(first.schema.join(second.schema), first.required and second.required)


def _joined(first: Schema | None, second: Schema | None) -> Schema | None:
    return first or second if first is None or second is None else first.join(second)


def _differences(before: Route, after: Route) -> Iterator[str]:
    if before.effect != after.effect:
        yield f"effect {before.effect} becomes {after.effect}"
    for name in sorted(after.query):
        yield from _told(f"query {name}", _shown(before.query.get(name)), _shown(after.query.get(name)))
    for name, schema in after.path.items():
        yield from _told(f"path {name}", text_of(before.path[name]), text_of(schema))
    yield from _body_differences("request", before.request, after.request)
    for status, answer in after.answers.items():
        if status not in before.answers:
            yield f"status {status} is new"
            continue
        yield from _answer_differences(status, before.answers[status], answer)


def _answer_differences(status: int, before: AnswerShape, after: AnswerShape) -> Iterator[str]:
    yield from _told(f"{status} types", ", ".join(sorted(before.types)), ", ".join(sorted(after.types)))
    for name, value in before.headers.items():
        if name not in after.headers:
            yield f"{status} header {name} does not always come"
        elif after.headers[name] != value:
            yield f"{status} header {name} is not always {value}"
    yield from (
        f"{status} cookie {name} is not always set" for name in sorted(before.cookies - after.cookies)
    )
    yield from _body_differences(str(status), before.body, after.body)


def _body_differences(place: str, before: Schema | None, after: Schema | None) -> Iterator[str]:
    old = {} if before is None else lines_of(before)
    new = {} if after is None else lines_of(after)
    for path in sorted(old.keys() | new.keys()):
        yield from _told(f"{place} {path}", old.get(path, ""), new.get(path, ""))


def _told(place: str, before: str, after: str) -> Iterator[str]:
    if before != after:
        yield f"{place}: {before or 'nothing'} becomes {after or 'nothing'}"


def _shown(known: Field | None) -> str:
    return "" if known is None else text_of(known.schema) + ("" if known.required else ", optional")

"""Which keys may stand at a place of the file, read from the model itself."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel

__all__ = ["known_keys", "near"]


def known_keys(model: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    """Return the keys of the table at this place, in the order of the model; none where there is no such table."""
    steps = list(place)
    current: type[BaseModel] | None = model
    while steps and current is not None:
        current = _below(current, steps)
    return [] if current is None else list(_keys(current))


def near(wrong: str, known: Sequence[str]) -> str | None:
    """Return the known key that is most like this one, when one is."""
    found = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    return found[0] if found else None


def _below(model: type[BaseModel], steps: list[str | int]) -> type[BaseModel] | None:
    """Take the next steps and return the table they lead into; a name of the user's own, or a number, is passed over."""
    step = steps.pop(0)
    for name, field in model.model_fields.items():
        if step in (name, field.alias):
            found = next(_models(field.annotation), None)
            named = str(field.annotation).startswith("dict[")
            if found is not None and steps and (named or isinstance(steps[0], int)):
                steps.pop(0)
            return found
    return None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type of any form
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name != "file":
            yield field.alias or name

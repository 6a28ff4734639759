"""One level of a record compiled: its fields as (name, default, decoder), the fast way and the careful way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from caravan.migration.mapping.codecs import Decoder
from caravan.migration.mapping.contract import Finding, MappingContext, UnmappableError
from caravan.migration.mapping.errors import NOTHING, BadValueError
from caravan.migration.mapping.fields import Field, OnBad
from caravan.migration.mapping.originals import ORIGINAL, canonical_json

__all__ = ["Level", "Notes", "kept", "names"]


class Notes:
    """What is to be told about one record; ``position`` is that of the element being mapped, None on the top level."""

    __slots__ = ("findings", "key", "position")

    def __init__(self, key: str) -> None:
        self.key = key
        self.position: int | None = None
        self.findings: list[Finding] = []

    def tell(self, kind: str, path: str, detail: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, self.key, path, self._where() + detail))

    def refusal(self, kind: str, path: str, detail: str) -> UnmappableError:
        """Return the error that sends the record to quarantine."""
        return UnmappableError(kind, path, self._where() + detail)

    def settle(self, error: BadValueError, path: str, on_bad: OnBad, default: object) -> object:
        """Return what goes into the column instead of a bad value, and tell.

        Raises:
            UnmappableError: the policy is quarantine and the codec has nothing to put in its place.
        """
        if error.instead is NOTHING and on_bad == "quarantine":
            raise self.refusal(error.kind, path, error.detail) from None
        self.tell(error.kind, path, error.detail)
        return default if error.instead is NOTHING else error.instead

    def _where(self) -> str:
        return "" if self.position is None else f"element {self.position}: "


class Level:
    """The fields of one table at one level of the record; ``prefix`` leads their paths in findings (``items.``)."""

    __slots__ = ("_fast", "_fields", "_plan", "_prefix", "_required")

    def __init__(self, fields: Sequence[Field], context: MappingContext, prefix: str = "") -> None:
        self._fields: Final = tuple(fields)
        self._prefix: Final = prefix
        self._plan: Final = tuple(
            (field.source, field.default, field.codec.decoder(context)) for field in fields
        )
        self._fast: Final = _straight(self._plan)
        self._required: Final = tuple(index for index, field in enumerate(fields) if field.required)

    def cells(self, document: Mapping[str, Any], notes: Notes, originals: dict[str, Any]) -> list[Any]:
        """Return the values of the level's columns; what could not be taken as it is stands in ``originals`` after.

        Raises:
            UnmappableError: a bad value whose policy is quarantine, or a required field that is absent or null.
        """
        get = document.get
        try:
            cells = [
                default if (value := get(source)) is None else decode(value)
                for source, default, decode in self._plan
            ]
        except BadValueError:
            cells = self._careful(document, notes, originals)
        for index in self._required:
            if cells[index] is None:
                raise notes.refusal(
                    "field.missing", self._prefix + self._fields[index].source, "needed, and absent"
                )
        return cells

    def _careful(self, document: Mapping[str, Any], notes: Notes, originals: dict[str, Any]) -> list[Any]:
        """Map field by field. A field that two columns read is told of once."""
        cells: list[Any] = []
        for field, (source, default, decode) in zip(self._fields, self._plan, strict=True):
            value = document.get(source)
            cell = default
            try:
                if value is not None:
                    cell = decode(value)
            except BadValueError as error:
                told = len(notes.findings)
                cell = notes.settle(error, self._prefix + source, field.on_bad, default)
                if source in originals:
                    del notes.findings[told:]
                originals[source] = value
            cells.append(cell)
        return cells


def _straight(plan: Sequence[tuple[str, Any, Decoder]]) -> Callable[[Callable[[str], Any]], list[Any]]:
    """Return ``[default if get(source) is None else decode(get(source)) …]`` without a loop: a third of a load's time.

    Only positions enter the generated text; names, defaults and decoders are passed as values.
    """
    cells = ", ".join(f"d{n} if (value := get(s{n})) is None else f{n}(value)" for n in range(len(plan)))
    given = ", ".join(f"s{n}, d{n}, f{n}" for n in range(len(plan)))
    made: dict[str, Any] = {}
    text = f"def make({given}):\n    def cells(get):\n        return [{cells}]\n    return cells"
    exec(text, made)  # noqa: S102 - text made of positions alone
    return made["make"](*(value for field in plan for value in field))  # type: ignore[no-any-return]  # made above


def kept(document: Mapping[str, Any], known: frozenset[str], originals: Mapping[str, Any]) -> bytes | None:
    """Return what no column takes, as JSON: the unknown fields, and the originals of values that were not taken."""
    if not originals and known.issuperset(document):
        return None
    extra = {name: value for name, value in document.items() if name not in known}
    if originals or ORIGINAL in extra:
        own = {ORIGINAL: extra[ORIGINAL]} if ORIGINAL in extra else {}
        extra[ORIGINAL] = own | dict(originals)
    return canonical_json(extra)


def names(fields: Iterable[Field]) -> frozenset[str]:
    """Return the source fields these take."""
    return frozenset(field.source for field in fields)

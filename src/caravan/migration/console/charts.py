"""Charts drawn on the server: lines in a box of 600 by 120, and the same figures in words and as rows of a table.

The old side's line is solid and thin, the new side's dashed and thick: they can be told apart without colours.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from caravan.migration.console.traffic_series import Piece

__all__ = ["HEIGHT", "WIDTH", "Chart", "Line", "charts_of"]

WIDTH: Final = 600
HEIGHT: Final = 120
_TOP: Final = 8
_ROWS: Final = 6
"""Pieces per row of the table: a minute."""

Value: TypeAlias = Callable[[Piece], float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """``paths`` are pieces of an SVG path, one for each stretch without a gap; ``last`` the newest value as text."""

    side: str
    paths: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    last: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``said`` is for who does not see it; ``rows`` are (moment, value of each line as text), one a minute."""

    name: str
    title: str
    said: str
    most: str
    lines: tuple[Line, ...]
    rows: tuple[tuple[datetime, tuple[str, ...]], ...]


def charts_of(pieces: Sequence[Piece]) -> list[Chart]:
    """Return the charts of traffic, mismatch, and the durations of both sides."""
    return [
        _chart(
            "traffic",
            "Requests per second",
            _rate,
            pieces,
            old=lambda one: one.old.per_second,
            new=lambda one: one.new.per_second,
        ),
        _chart("mismatch", "Share that differs", _share, pieces, both=lambda one: one.mismatch),
        *_latencies(pieces),
    ]


def _latencies(pieces: Sequence[Piece]) -> Iterator[Chart]:
    for percent in (50, 95, 99):
        title = f"Duration, p{percent}"
        old, new = _quantile("old", percent / 100), _quantile("new", percent / 100)
        yield _chart(f"p{percent}", title, _duration, pieces, old=old, new=new)


def _quantile(side: Literal["old", "new"], p: float) -> Value:
    return lambda piece: (piece.old if side == "old" else piece.new).quantile(p)


def _chart(
    name: str, title: str, told: Callable[[float | None], str], pieces: Sequence[Piece], **values: Value
) -> Chart:
    found = {side: [value(piece) for piece in pieces] for side, value in values.items()}
    known = [number for numbers in found.values() for number in numbers if number is not None]
    most = max(known, default=0.0)
    lines = tuple(_line(side, numbers, most, told) for side, numbers in found.items())
    said = "; ".join(_said(line, found[line.side], told) for line in lines)
    rows = tuple(
        (piece.at, tuple(told(numbers[index]) for numbers in found.values()))
        for index, piece in enumerate(pieces)
        if index % _ROWS == _ROWS - 1
    )
    return Chart(name, title, said, told(most), lines, rows[::-1])


def _said(line: Line, numbers: Sequence[float | None], told: Callable[[float | None], str]) -> str:
    known = [number for number in numbers if number is not None]
    which = "" if line.side == "both" else f"{line.side} side: "
    if not known:
        return f"{which}nothing measured"
    return f"{which}now {line.last}, between {told(min(known))} and {told(max(known))}"


def _line(
    side: str, numbers: Sequence[float | None], most: float, told: Callable[[float | None], str]
) -> Line:
    step = WIDTH / max(1, len(numbers) - 1)
    stretches: list[list[tuple[float, float]]] = [[]]
    for index, number in enumerate(numbers):
        if number is None:
            stretches.append([])
        else:
            high = (HEIGHT - _TOP) * (number / most if most else 0.0)
            stretches[-1].append((round(index * step, 1), round(HEIGHT - high, 1)))
    paths = tuple(_path(points) for points in stretches if len(points) > 1)
    dots = tuple(points[0] for points in stretches if len(points) == 1)
    last = next((number for number in reversed(numbers) if number is not None), None)
    return Line(side, paths, dots, told(last))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in points)


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}/s"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _duration(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"

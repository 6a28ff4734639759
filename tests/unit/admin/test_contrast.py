"""The stylesheet's colours can be told apart: WCAG 2.2 AA, by day and by night."""

import re
from pathlib import Path

import pytest

import caravan.admin

STYLE = (Path(caravan.admin.__file__).parent / "static" / "console.css").read_text(encoding="utf-8")
TEXT = [
    ("text", "ground"), ("text", "surface"), ("text", "sunken"), ("muted", "ground"), ("muted", "surface"),
    ("muted", "sunken"), ("accent", "surface"), ("accent", "ground"), ("accent", "sunken"), ("accent", "accent-soft"),
    ("on-accent", "accent"), ("good", "good-soft"), ("warn", "warn-soft"), ("bad", "bad-soft"), ("bad", "surface"),
    ("good", "surface"),
]  # fmt: skip
SHAPES = [("control", "surface"), ("mark-good", "surface"), ("mark-same", "surface"), ("mark-bad", "surface")]


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


DAY = _colours(STYLE.partition("@media (prefers-color-scheme: dark)")[0])
NIGHT = {**DAY, **_colours(STYLE.partition("@media (prefers-color-scheme: dark)")[2].partition("\n}\n")[0])}


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [DAY, NIGHT], ids=["day", "night"])
def test_text_stands_out_from_its_ground(colours: dict[str, str]) -> None:
    weak = [(text, ground) for text, ground in TEXT if _contrast(colours[text], colours[ground]) < 4.5]
    assert weak == []


@pytest.mark.parametrize("colours", [DAY, NIGHT], ids=["day", "night"])
def test_controls_and_bars_stand_out_too(colours: dict[str, str]) -> None:
    weak = [(shape, ground) for shape, ground in SHAPES if _contrast(colours[shape], colours[ground]) < 3]
    assert weak == []
    assert NIGHT != DAY

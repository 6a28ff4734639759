"""The guide of the capture names every way, option and error that there is."""

from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from caravan.core.errors import CaravanError
from caravan.migration.capture import (
    CaptureOptions,
    CaptureRefusedError,
    CaptureStoppedError,
    ChangesLostError,
    ChangesUnreadableError,
    Mechanism,
)

_GUIDE = (Path(__file__).parents[3] / "docs" / "guide" / "capture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [each.name for each in fields(CaptureOptions)])
def test_every_option_has_its_line(name: str):
    assert f"| `{name}` |" in _GUIDE


@pytest.mark.parametrize("way", [each for each in get_args(Mechanism) if each != "auto"])
def test_every_way_is_told(way: str):
    assert f"| `{way}` |" in _GUIDE


@pytest.mark.parametrize(
    "error", [CaptureRefusedError, CaptureStoppedError, ChangesLostError, ChangesUnreadableError]
)
def test_every_error_is_explained(error: type[CaravanError]):
    assert f"| `{error.code}` |" in _GUIDE

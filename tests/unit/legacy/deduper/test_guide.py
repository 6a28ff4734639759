"""The guide's settings are the code's."""

from caravan.core.settings import Settings, variable_name
from caravan.entry.deduper_alone import PORT
from tests.unit.docs.markdown import ROOT, table

ROWS = table((ROOT / "docs/guide/deduper.md").read_text("utf-8"), "variable", "default", "what it sets")


def written(default: object) -> str:
    if default is None:
        return "\N{EN DASH}"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_setting_of_the_deduper_is_told_with_its_default() -> None:
    told = {row["variable"]: row["default"] for row in ROWS}
    own = {name: field for name, field in Settings.model_fields.items() if name.startswith("deduper_")}
    assert len(own) == 4
    for name, field in own.items():
        assert told[f"`{variable_name(name)}`"] == written(field.default), name


def test_what_is_otherwise_here_is_told() -> None:
    told = {row["variable"]: row["default"] for row in ROWS}
    assert (told["`CARAVAN_PORT`"], told["`CARAVAN_RATE_LIMITS`"]) == (f"`{PORT}` here", "`false` here")

"""The guide's table of settings is the settings: each one, no other, with its default."""

from caravan.core.settings import Settings, variable_name
from tests.unit.docs.markdown import ROOT, table

ROWS = table(
    (ROOT / "docs/guide/running.md").read_text(encoding="utf-8"), "variable", "default", "what it sets"
)


def written(default: object) -> str:
    """Return a default as the guide writes it, which is how the environment would."""
    if default is None or default == ():
        return "\N{EN DASH}"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_setting_is_in_the_table_and_no_other() -> None:
    assert [row["variable"] for row in ROWS] == [f"`{variable_name(name)}`" for name in Settings.model_fields]


def test_defaults_are_those_of_the_code() -> None:
    told = {row["variable"]: row["default"] for row in ROWS}
    assert told == {
        f"`{variable_name(name)}`": written(field.default) for name, field in Settings.model_fields.items()
    }


def test_every_setting_says_what_it_sets() -> None:
    assert [row["variable"] for row in ROWS if not row["what it sets"]] == []

"""Each row of the guide about trouble names a code that there is, what its command ends with, and a test that shows it."""

import pytest

from caravan.core.errors import find
from caravan.entry.commands.explain import import_everything
from caravan.migration.load.fault_classes import fault_class
from tests.unit.docs.markdown import ROOT, table
from tests.unit.docs.requirements_table import Row, absent_tests

COLUMNS = ("what happened", "code", "exit", "what to do", "shown by")
ROWS = table((ROOT / "docs/guide/trouble.md").read_text(encoding="utf-8"), *COLUMNS)
STOPPED_LOAD = "4"
QUARANTINED = "3"


def test_there_are_rows_and_no_cell_is_empty() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if not all(row.values())] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["what happened"][:60])
def test_a_row_names_a_known_code_its_exit_code_and_a_test_that_is_there(row: Row) -> None:
    import_everything()
    code = row["code"].strip("`")
    error, kind = find(code), fault_class(code)
    if error is not None:
        assert row["exit"] in {str(error.exit_code), STOPPED_LOAD, "none"}
    else:
        assert kind is not None
        assert row["exit"] == QUARANTINED
    assert absent_tests([{"id": code, "status": f"done: {row['shown by']}"}], ROOT) == []
    assert row["shown by"].startswith("`tests/")

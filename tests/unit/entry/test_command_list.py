"""The list of commands is told at once: it imports none of them."""

import subprocess
import sys
from typing import Final

from caravan.entry.cli import _COMMANDS

_ASK: Final = """
import sys
from caravan.entry.cli import main
sys.argv = ["caravan", "--help"]
try:
    main()
finally:
    heavy = ("fastapi", "sqlalchemy", "celery", "psycopg", "caravan.entry.commands")
    print("imported:", [name for name in heavy if name in sys.modules])
"""


def test_the_list_of_commands_names_each_and_imports_none() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ASK], capture_output=True, text=True, check=True, env={"COLUMNS": "200"}
    )
    assert "imported: []" in done.stdout
    for name, said in _COMMANDS.items():
        assert f"{name} " in done.stdout
        assert said in done.stdout


def test_a_command_that_nobody_knows_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "caravan.entry.cli", "expl"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "No such command 'expl'" in done.stderr) == (2, True)

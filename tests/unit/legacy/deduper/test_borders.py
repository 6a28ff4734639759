"""What the worker leaves to others."""

import ast
from pathlib import Path

from caravan.legacy import deduper

FOLDER = Path(deduper.__file__).parent


def test_only_the_job_manager_starts_ends_and_follows_processes() -> None:
    theirs = {"subprocess", "signal", "multiprocessing", "psutil"}
    for file in FOLDER.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        named |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        assert not {name.partition(".")[0] for name in named} & theirs, file.name
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not attributes & {"create_subprocess_exec", "create_subprocess_shell", "kill", "fork"}, (
            file.name
        )

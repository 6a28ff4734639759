"""Rules of the house that no general linter knows. ``python -m tools.lint PATH…`` prints each breach and exits 1.

A line that must break a rule says so: ``# house: allow(CODE) because …``.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

__all__ = ["RULES", "Breach", "check_source", "main"]


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule; ``line`` counts from 1."""

    code: str
    path: str
    line: int
    message: str


Found: TypeAlias = Iterator[tuple[int, str]]
Rule: TypeAlias = Callable[[ast.Module, str], Found]

_ALLOWED: Final = re.compile(r"#\s*house:\s*allow\((?P<codes>[A-Z0-9, ]+)\)\s+because\s+\S")
_MONEY: Final = re.compile(r"(^|_)(amount|price|total|subtotal|tax|refund|cost|balance|money)(s|ed)?($|_)")
_TEXT: Final = frozenset({"text", "sqlalchemy.text", "sa.text"})
_BANNED_NAMES: Final = frozenset({"utils", "helpers", "common", "manager", "base_service", "service"})


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(node: ast.expr) -> str:
    return ast.unparse(node)


def commit_outside_core(tree: ast.Module, path: str) -> Found:
    """Only the edge commits: application code shares one transaction with its request or event."""
    if "/core/" in path or "/migration/" in path or not path.startswith("src/"):
        return
    for call in _calls(tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"commit", "rollback"}:
            yield call.lineno, f"{_name(call.func)}() belongs to the edge; raise an error to roll back"


def session_without_function_scope(tree: ast.Module, _path: str) -> Found:
    """An ordinary yield dependency commits after the answer has left."""
    for call in _calls(tree):
        if not (_name(call.func).endswith("Depends") and call.args):
            continue
        target = _name(call.args[0])
        scoped = any(
            keyword.arg == "scope" and _name(keyword.value) in {"'function'", '"function"'}
            for keyword in call.keywords
        )
        if target.endswith("_session") and not scoped:
            yield call.lineno, f'Depends({target}) needs scope="function", else it commits after the answer'


def tenant_by_hand(tree: ast.Module, path: str) -> Found:
    """The tenant comes from the transaction's setting in one place, not from filters in queries."""
    if not path.startswith(("src/caravan/commerce", "src/caravan/admin", "src/caravan/platform/messaging")):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq) for op in node.ops):
            left = _name(node.left)
            if left.endswith(".org_id") and left[0].isupper():
                yield (
                    node.lineno,
                    f"{left} == … : row-level security filters tenants, the session carries the tenant",
                )


def float_near_money(tree: ast.Module, _path: str) -> Found:
    """Amounts are Decimal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            target = node.arg if isinstance(node, ast.arg) else _name(node.target)
            words = {part.id for part in ast.walk(node.annotation) if isinstance(part, ast.Name)}
            if "float" in words and "Decimal" not in words and _MONEY.search(target):
                yield node.lineno, f"{target} is money: Decimal, never float"
        if isinstance(node, ast.Call) and _name(node.func) == "float" and node.args:
            argument = _name(node.args[0])
            if _MONEY.search(argument.rpartition(".")[2]):
                yield node.lineno, f"float({argument}) loses exactness"


def async_celery_task(tree: ast.Module, _path: str) -> Found:
    """Celery never awaits: an async task reports success and does nothing."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            text = _name(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if text.endswith((".task", "shared_task")):
                yield node.lineno, f"async def {node.name} under @{text} never runs; write a plain function"


def walks_app_routes(tree: ast.Module, path: str) -> Found:
    """``app.routes`` is a tree since FastAPI 0.137: read our registry or ``app.openapi()``."""
    if path.endswith("core/http/openapi.py"):
        return  # hands the tree to FastAPI itself
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "routes"
            and _name(node.value).split(".")[-1] == "app"
        ):
            yield node.lineno, "app.routes is a tree; use route_rules() or app.openapi()"


def sql_from_strings(tree: ast.Module, path: str) -> Found:
    """SQL carries values as parameters; text() takes a constant."""
    if not path.startswith("src/"):
        return
    for call in _calls(tree):
        argument = call.args[0] if call.args else None
        if _name(call.func) not in _TEXT or not isinstance(argument, ast.JoinedStr):
            continue
        if not _only_constants(argument):
            yield call.lineno, "text(f'…') builds SQL from values; use bind parameters"


def _only_constants(template: ast.JoinedStr) -> bool:
    """Tell whether every inserted value is a module constant such as ``_TABLE``."""
    values = [part.value for part in template.values if isinstance(part, ast.FormattedValue)]
    return all(_name(value).rpartition(".")[2].isupper() or "Role." in _name(value) for value in values)


def authorises_on_url(tree: ast.Module, _path: str) -> Found:
    """A forged Host header changes ``request.url.path``; the path that was routed is in the scope."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _name(node).endswith("request.url.path"):
            yield node.lineno, 'request.url.path can be forged; use request.scope["path"]'


def business_in_background_tasks(tree: ast.Module, path: str) -> Found:
    """What must happen goes through the outbox: background tasks die with the process."""
    if not path.startswith("src/"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "BackgroundTasks":
            yield node.lineno, "BackgroundTasks are lost on restart; emit an event"


def grab_bag_name(_tree: ast.Module, path: str) -> Found:
    """A file is named after what it does."""
    if Path(path).stem in _BANNED_NAMES:
        yield 1, f"{Path(path).name} names no idea; what does it do?"


RULES: Final[dict[str, Rule]] = {
    "H001": commit_outside_core,
    "H002": session_without_function_scope,
    "H003": tenant_by_hand,
    "H004": float_near_money,
    "H005": async_celery_task,
    "H006": walks_app_routes,
    "H007": sql_from_strings,
    "H008": authorises_on_url,
    "H009": business_in_background_tasks,
    "H010": grab_bag_name,
}


def check_source(source: str, path: str) -> Iterator[Breach]:
    """Yield the breaches in one file; ``path`` is relative to the repository."""
    tree = ast.parse(source)
    lines = source.splitlines()
    for code, rule in RULES.items():
        for line, message in rule(tree, path):
            allowed = _ALLOWED.search(lines[line - 1]) if line <= len(lines) else None
            if allowed is None or code not in allowed["codes"]:
                yield Breach(code, path, line, message)


def main(arguments: list[str]) -> int:
    """Check files and folders; print each breach as ``path:line: CODE message``."""
    found = 0
    for argument in arguments:
        root = Path(argument)
        for file in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            for breach in check_source(file.read_text(encoding="utf-8"), file.as_posix()):
                found += 1
                print(f"{breach.path}:{breach.line}: {breach.code} {breach.message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

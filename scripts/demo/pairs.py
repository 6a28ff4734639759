"""The two miniature shops, which know nothing of Caravan: one in Node, one in Flask, each followed by one in FastAPI."""

import json
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import httpx2

from caravan.core.database import DatabaseAddress
from scripts.demo.case import Case
from scripts.demo.load import Call, of
from scripts.demo.promises import Promises
from scripts.demo.showing import show
from scripts.drill.sides import ROOT, Limit, program, until
from tools.free_ports import free_port

__all__ = ["PAIRS", "show_pair"]

_FOLDER: Final = ROOT / "examples/pairs"
PAIRS: Final[Mapping[str, list[str]]] = {
    "node": ["node", str(_FOLDER / "node_shop.mjs")],
    "flask": [sys.executable, str(_FOLDER / "flask_shop.py")],
}


def _items(_source: random.Random) -> Call:
    return "GET", "/items", b""


def _item(source: random.Random) -> Call:
    return "GET", f"/items/{source.randint(1, 14)}", b""


def _orders(_source: random.Random) -> Call:
    return "GET", "/orders", b""


def _order(source: random.Random) -> Call:
    return "POST", "/orders", json.dumps({"item": source.randint(1, 12), "quantity": 1}).encode()


def _one_order(source: random.Random) -> Call:
    return "GET", f"/orders/{source.randint(1, 9)}", b""


EVERY: Final = of(((4, _items), (4, _item), (4, _orders), (1, _order), (4, _one_order)))
READS: Final = of(((1, _items), (1, _item)))


def show_pair(
    name: str, home: Path, database: DatabaseAddress, limit: Limit, promises: Promises, *, short: bool
) -> None:
    """Show one pair; ``short`` leaves the promotion out, and asks for less evidence."""
    with _sides(name, home, limit) as (old, new):

        def spoil(share: float) -> None:
            kind = "error" if share else "none"
            httpx2.post(f"{new}/_defects", json={"kind": kind, "share": share}).raise_for_status()

        text = _file(name, old, new, short=short)
        case = Case("shop", old, new, text, EVERY, READS, spoil, host="shop.example")
        show(case, home, database, limit, promises, short=short)


@contextmanager
def _sides(name: str, home: Path, limit: Limit) -> Iterator[tuple[str, str]]:
    home.mkdir(parents=True, exist_ok=True)
    environment = {"SHOP_DATA": str(home / "orders.jsonl")}
    old, new = free_port(), free_port()
    with ExitStack() as stack:
        fastapi = [sys.executable, str(_FOLDER / "fastapi_shop.py"), str(new)]
        stack.enter_context(program("old", [*PAIRS[name], str(old)], home, environment))
        stack.enter_context(program("new", fastapi, home, environment))
        sides = f"http://127.0.0.1:{old}", f"http://127.0.0.1:{new}"
        for side in sides:
            until(partial(_answers, side), limit, f"{side} answers")
        yield sides


def _answers(side: str) -> bool:
    try:
        return httpx2.get(f"{side}/health", timeout=2).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def _file(name: str, old: str, new: str, *, short: bool) -> str:
    text = (_FOLDER / "migration.toml").read_text(encoding="utf-8")
    text = text.replace('"pair-shop"', f'"pair-{name}"').replace("http://127.0.0.1:5001", old)
    if short:
        text = text.replace("most_undetected = 0.02", "most_undetected = 0.06")
    return text.replace("http://127.0.0.1:5003", new) + '\n[gateway]\nlisten = "127.0.0.1:{port}"\n'

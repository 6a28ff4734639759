"""A miniature shop in Flask: python flask_shop.py PORT."""

import logging
import sys

from flask import Flask, Response, jsonify, request
from shop_data import ITEMS, find, order, orders, page

app = Flask(__name__)
app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider


@app.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@app.get("/items")
def items() -> Response:
    return jsonify(page(ITEMS))


@app.get("/orders")
def first_orders() -> Response:
    return jsonify(page(orders()[:5]))


@app.post("/orders")
def make_order() -> tuple[Response, int]:
    wanted = request.get_json(silent=True) or {}
    made = order(wanted.get("item"), wanted.get("quantity"))
    return (jsonify(made), 201) if made else (jsonify(error="no such item"), 422)


@app.get("/<kind>/<identity>")
def one(kind: str, identity: str) -> tuple[Response, int]:
    rows = {"items": ITEMS, "orders": orders()}.get(kind, [])
    found = find(rows, identity)
    return (jsonify(found), 200) if found else (jsonify(error="not found"), 404)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app.run("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 5002, threaded=True)

"""The library's old backend, in Flask: python old_app.py PORT."""

import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Response, jsonify, request
from shelf import opened, prepare

app = Flask(__name__)
Answer = Response | tuple[Response, int]


@app.get("/health")
def health() -> Answer:
    return jsonify(status="ok")


@app.get("/books")
def books() -> Answer:
    author = request.args.get("author", "%")
    with opened() as shelf:
        rows = shelf.execute(
            "SELECT * FROM books WHERE author LIKE ? ORDER BY title COLLATE NOCASE, id", (author,)
        ).fetchall()
    return jsonify(
        books=[dict(row) for row in rows], asked_at=datetime.now(UTC).isoformat(timespec="milliseconds")
    )


@app.get("/books/<int:book>")
def one_book(book: int) -> Answer:
    with opened() as shelf:
        found = shelf.execute("SELECT * FROM books WHERE id = ?", (book,)).fetchone()
    return jsonify(dict(found)) if found else (jsonify(error="there is no such book"), 404)


@app.get("/loans/<int:loan>")
def one_loan(loan: int) -> Answer:
    found = _loan(loan)
    return jsonify(found) if found else (jsonify(error="there is no such loan"), 404)


@app.post("/loans")
def lend() -> Answer:
    book, visitor = (request.get_json(silent=True) or {}).get("book"), request.cookies.get("session", "")
    with opened() as shelf:
        if shelf.execute("SELECT 1 FROM books WHERE id = ?", (book,)).fetchone() is None:
            return jsonify(error="there is no such book"), 422
        due = datetime.now(UTC).date() + timedelta(days=28)
        made = shelf.execute(
            "INSERT INTO loans (book, visitor, due) VALUES (?, ?, ?)", (book, visitor, due.isoformat())
        )
    return jsonify(_loan(made.lastrowid)), 201


@app.get("/loans/<int:loan>/return")
def give_back(loan: int) -> Answer:
    """A link in a mail that people click: it changes something, and it is a GET."""
    with opened() as shelf:
        shelf.execute(
            "UPDATE loans SET returned = ? WHERE id = ?", (datetime.now(UTC).date().isoformat(), loan)
        )
    found = _loan(loan)
    return jsonify(found) if found else (jsonify(error="there is no such loan"), 404)


def _loan(loan: int | None) -> dict[str, Any] | None:
    with opened() as shelf:
        found = shelf.execute("SELECT id, book, due, returned FROM loans WHERE id = ?", (loan,)).fetchone()
    return dict(found) if found else None


if __name__ == "__main__":
    prepare()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app.run("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 5000, threaded=True)

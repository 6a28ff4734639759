"""The library's new backend, in FastAPI: python new_app.py PORT."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import uvicorn
from fastapi import Cookie, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from shelf import opened, prepare

app = FastAPI(title="Library")


class Wish(BaseModel):
    book: int


@app.exception_handler(HTTPException)
def complain(_request: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"detail": error.detail}, error.status_code)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/books")
def books(author: str = "%") -> dict[str, Any]:
    with opened() as shelf:
        rows = shelf.execute(
            "SELECT * FROM books WHERE author LIKE ? ORDER BY title, id", (author,)
        ).fetchall()
    return {
        "books": [dict(row) for row in rows],
        "asked_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


@app.get("/books/{book}")
def one_book(book: int) -> dict[str, Any]:
    with opened() as shelf:
        found = shelf.execute("SELECT * FROM books WHERE id = ?", (book,)).fetchone()
    if found is None:
        raise HTTPException(404, "there is no such book")
    return dict(found)


@app.get("/loans/{loan}")
def one_loan(loan: int) -> dict[str, Any]:
    with opened() as shelf:
        found = shelf.execute("SELECT id, book, due, returned FROM loans WHERE id = ?", (loan,)).fetchone()
    if found is None:
        raise HTTPException(404, "there is no such loan")
    return dict(found)


@app.post("/loans", status_code=201)
def lend(wish: Wish, session: Annotated[str, Cookie()] = "") -> dict[str, Any]:
    with opened() as shelf:
        if shelf.execute("SELECT 1 FROM books WHERE id = ?", (wish.book,)).fetchone() is None:
            raise HTTPException(422, "there is no such book")
        due = datetime.now(UTC).date() + timedelta(days=28)
        made = shelf.execute(
            "INSERT INTO loans (book, visitor, due) VALUES (?, ?, ?)", (wish.book, session, due.isoformat())
        )
    return one_loan(made.lastrowid or 0)


@app.get("/loans/{loan}/return")
def give_back(loan: int) -> dict[str, Any]:
    with opened() as shelf:
        shelf.execute(
            "UPDATE loans SET returned = ? WHERE id = ?", (datetime.now(UTC).date().isoformat(), loan)
        )
    return one_loan(loan)


if __name__ == "__main__":
    prepare()
    uvicorn.run(app, port=int(sys.argv[1]) if len(sys.argv) > 1 else 5001, log_level="warning")

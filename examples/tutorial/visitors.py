"""People who use the library: python visitors.py URL REQUESTS. The same people and the same wishes at every run."""

import http.client
import json
import random
import sys
from urllib.parse import urlsplit

PEOPLE = 40
AUTHORS = ("Austen", "Stoker", "Mendel", "Wells", "Kipling", "Wilde", "Eliot", "Bronte")


def wish(chance: random.Random) -> tuple[str, str, str | None]:
    """Return method, target and body of what somebody does next."""
    kind = chance.randrange(20)
    if kind < 5:
        return "GET", "/books", None
    if kind < 8:
        return "GET", f"/books?author={chance.choice(AUTHORS)}", None
    if kind < 13:
        return "GET", f"/books/{chance.choice([*range(1, 61), 999])}", None
    if kind < 18:
        return "GET", f"/loans/{chance.choice([*range(1, 13), 99999])}", None
    if kind < 19:
        return "POST", "/loans", json.dumps({"book": chance.randrange(1, 61)})
    return "GET", f"/loans/{chance.randrange(1, 13)}/return", None


def main() -> None:
    server, requests = urlsplit(sys.argv[1]).netloc, int(sys.argv[2])
    chance = random.Random(7)
    statuses: dict[int, int] = {}
    connection = http.client.HTTPConnection(server, timeout=20)
    for _ in range(requests):
        method, target, body = wish(chance)
        headers = {"Cookie": f"session=visitor-{chance.randrange(PEOPLE)}"}
        if body:
            headers["Content-Type"] = "application/json"
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        answer.read()
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
    print(", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))


if __name__ == "__main__":
    main()

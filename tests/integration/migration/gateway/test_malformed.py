"""Malformed requests: each is refused with the status its corpus file names, the connection closes, no side hears of it."""

from pathlib import Path

import pytest

from tests.integration.migration.gateway.running import RunningGateway, Side

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.txt"))


def read(file: Path) -> tuple[int, bytes]:
    """A file has ``status: N``, ``why: …``, ``---``, then the bytes: real line ends count for nothing, escapes do."""
    head, _, text = file.read_text(encoding="ascii").partition("---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    raw = text.replace("\n", "").encode("ascii").decode("unicode_escape").encode("latin-1")
    return int(fields["status"]), raw


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_it_is_refused_and_the_connection_closed(file: Path, proxy: RunningGateway, old: Side) -> None:
    status, raw = read(file)

    with proxy.client() as client:
        # What follows on the same connection would be the smuggled request.
        client.send(raw + b"GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        answer = client.answer()

        assert answer.status == status, answer.raw
        assert answer.values(b"Connection") == [b"close"]
        assert answer.values(b"Caravan-Error")[0].startswith(b"gateway.")
        assert client.is_closed()
    assert not old.requests


def test_the_corpus_is_all_there() -> None:
    assert len(CORPUS) >= 90


def test_a_well_formed_neighbour_of_the_corpus_passes(proxy: RunningGateway) -> None:
    with proxy.client() as client:
        request = b"POST /orders HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = client.ask(request + b"5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")

        assert answer.status == 200
        assert client.get().status == 200

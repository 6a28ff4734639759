"""HAR files and access logs of others: what is no exchange is refused with its number and reason."""

import base64
import gzip
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from caravan.migration.exchange import Body, Exchange
from caravan.migration.recording import (
    ImportUnreadable,
    Recording,
    RedactingWriter,
    Refused,
    access_log_exchanges,
    har_exchanges,
    import_file,
)

COMBINED = (
    '203.0.113.9 - bob [10/Oct/2025:13:55:36 -0700] "GET /a/b?x=1 HTTP/1.1" 200 2326'
    ' "http://x.test/start" "Mozilla/5.0 (\\"quoted\\")"'
)


def entry(**changes: object) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": "GET", "url": "https://shop.test/a%2Fb//c?x=1#part",
        "headers": [{"name": ":authority", "value": "shop.test"}, {"name": "Accept", "value": "*/*"}],
    }  # fmt: skip
    response: dict[str, Any] = {
        "status": 200, "headers": [{"name": "content-encoding", "value": "br"}, {"name": "content-type", "value": "text/plain"}],
        "content": {"size": 2, "text": "hi"},
    }  # fmt: skip
    whole = {
        "startedDateTime": "2026-01-02T03:04:05.678Z",
        "time": 12.5,
        "request": request,
        "response": response,
    }
    for place, value in changes.items():
        table, _, key = place.partition("__")
        if key:
            whole[table] = {**cast("dict[str, object]", whole[table]), key: value}
        else:
            whole[table] = value
    return whole


def har(tmp_path: Path, *entries: object) -> Path:
    path = tmp_path / "traffic.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return path


def only(path: Path) -> Exchange:
    (exchange,) = har_exchanges(path)
    assert isinstance(exchange, Exchange)
    return exchange


def test_an_entry_is_an_exchange_with_its_target_as_sent(tmp_path: Path) -> None:
    exchange = only(har(tmp_path, entry()))
    assert exchange.at == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert (exchange.request.method, exchange.request.target) == ("GET", "/a%2Fb//c?x=1")
    assert exchange.request.headers == (("Accept", "*/*"),)
    assert exchange.answer.headers == (("content-type", "text/plain"),)  # the body stands there decoded
    assert (exchange.answer.body, exchange.answer.seconds) == (Body.of(b"hi"), 0.0125)


@pytest.mark.parametrize(
    ("url", "target"),
    [("http://x.test", "/"), ("http://x.test?a=1", "/?a=1"), ("https://u:p@x.test/z", "/z")],
)
def test_short_urls_have_a_target_too(tmp_path: Path, url: str, target: str) -> None:
    assert only(har(tmp_path, entry(request__url=url))).request.target == target


def test_base64_bodies_are_decoded(tmp_path: Path) -> None:
    content = {"size": 3, "text": base64.b64encode(b"\x00\xff\x01").decode(), "encoding": "base64"}
    assert only(har(tmp_path, entry(response__content=content))).answer.body == Body.of(b"\x00\xff\x01")


def test_a_body_the_archive_left_out_keeps_its_size(tmp_path: Path) -> None:
    body = only(har(tmp_path, entry(response__content={"size": 99}))).answer.body
    assert (body.content, body.length) == (None, 99)


def test_posted_text_and_parameters_are_bodies(tmp_path: Path) -> None:
    text = only(har(tmp_path, entry(request__postData={"mimeType": "x", "text": '{"a":1}'})))
    assert text.request.body == Body.of(b'{"a":1}')
    pairs = only(har(tmp_path, entry(request__postData={"params": [{"name": "a b", "value": "ü"}]})))
    assert pairs.request.body == Body.of(b"a+b=%C3%BC")


def test_no_answer_is_a_failure(tmp_path: Path) -> None:
    answer = only(har(tmp_path, entry(response__status=0, response___error="net::ERR_ABORTED"))).answer
    assert (answer.status, answer.failure) == (0, "net::ERR_ABORTED")


WRONG = {
    "the entry is missing or no object": 7,
    "request is missing or no object": entry(request=None),
    "request.method is no method": entry(request__method=1),
    "request.url is no http or https URL": entry(request__url="data:text/plain,x"),
    "request.url cannot be read": entry(request__url="http://[::1"),
    "response is missing or no object": entry(response=[]),
    "response.status is no status": entry(response__status="200"),
    "response.content.text is no base64": entry(response__content={"text": "a", "encoding": "base64"}),
    "startedDateTime is no date and time": entry(startedDateTime="yesterday"),
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_is_no_exchange_is_refused_with_its_number_and_the_rest_is_read(
    tmp_path: Path, reason: str
) -> None:
    first, second, third = har_exchanges(har(tmp_path, entry(), WRONG[reason], entry()))
    assert isinstance(first, Exchange)
    assert second == Refused(2, reason)
    assert isinstance(third, Exchange)


def test_another_host_is_refused_when_one_is_asked_for(tmp_path: Path) -> None:
    path = har(tmp_path, entry(), entry(request__url="https://cdn.test/x"))
    assert [type(item) for item in har_exchanges(path, host="shop.test")] == [Exchange, Refused]


@pytest.mark.parametrize("cut", [40, 600])
def test_a_cut_archive_gives_what_is_whole_and_says_where_it_broke(tmp_path: Path, cut: int) -> None:
    path = har(tmp_path, entry(), entry())
    path.write_bytes(path.read_bytes()[:-cut])
    *whole, broken = har_exchanges(path)
    assert isinstance(broken, Refused)
    assert broken.number == len(whole) + 1
    assert all(isinstance(item, Exchange) for item in whole)


def test_a_gzipped_archive_is_read(tmp_path: Path) -> None:
    plain = har(tmp_path, entry())
    packed = tmp_path / "traffic.har.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert only(packed).request.method == "GET"


def test_a_big_archive_is_read_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.har"
    one = json.dumps(entry(response__content={"text": "x" * 20_000}))
    with path.open("w") as file:
        file.write('{"log":{"entries":[' + one)
        for _ in range(600):
            file.write("," + one)
        file.write("]}}")
    assert path.stat().st_size > 12_000_000
    tracemalloc.start()
    assert sum(1 for _ in har_exchanges(path)) == 601
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def lines(tmp_path: Path, *text: str) -> list[Exchange | Refused]:
    path = tmp_path / "access.log"
    path.write_bytes("\n".join(text).encode("latin-1"))
    return list(access_log_exchanges(path))


def test_a_combined_line_is_an_exchange_without_bodies(tmp_path: Path) -> None:
    (exchange,) = lines(tmp_path, COMBINED)
    assert isinstance(exchange, Exchange)
    assert exchange.at == datetime(2025, 10, 10, 20, 55, 36, tzinfo=UTC)
    assert (exchange.request.method, exchange.request.target, exchange.client) == (
        "GET",
        "/a/b?x=1",
        "203.0.113.9",
    )
    assert (exchange.answer.status, exchange.answer.body.length, exchange.answer.body.content) == (
        200,
        2326,
        None,
    )
    assert exchange.request.headers == (
        ("Referer", "http://x.test/start"),
        ("User-Agent", 'Mozilla/5.0 ("quoted")'),
    )


def test_common_lines_and_lines_with_more_behind_are_taken(tmp_path: Path) -> None:
    common = COMBINED.partition(' "http')[0]
    more = COMBINED + ' 0.012 "upstream"'
    absolute = COMBINED.replace("GET /a/b?x=1", "GET http://x.test/z")
    assert [item.request.target for item in lines(tmp_path, common, "", more, absolute) if isinstance(item, Exchange)] == [
        "/a/b?x=1", "/a/b?x=1", "/z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "this is no line of the common or combined format"),
        (COMBINED.replace("GET /a/b?x=1 HTTP/1.1", "-"), "the request line is no HTTP request"),
        (COMBINED.replace("GET /a/b?x=1 HTTP/1.1", "\\x16\\x03\\x01"), "the request line is no HTTP request"),
        (COMBINED.replace("GET /a/b?x=1", "OPTIONS *"), "the request is not for a path of this server"),
        (COMBINED.replace("Oct", "Okt"), "the time cannot be read"),
        (COMBINED.replace("10/Oct", "32/Oct"), "the time cannot be read"),
        ("x" * 70_000, "the line is longer than 64 KiB"),
    ],
)
def test_other_lines_are_refused_with_number_and_reason(tmp_path: Path, line: str, reason: str) -> None:
    first, second, third = lines(tmp_path, COMBINED, line, COMBINED)
    assert isinstance(first, Exchange)
    assert second == Refused(2, reason)
    assert isinstance(third, Exchange)


def test_an_import_tells_what_it_took_and_what_not(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("\n".join([COMBINED.replace("x=1", "token=hush-hush-hush"), *["nonsense"] * 30]))
    recording = Recording(tmp_path / "recording")
    writer = RedactingWriter(recording)
    report = import_file(path, writer)
    writer.close()
    assert (report.layout, report.recorded, report.refused.total(), len(report.first_refused)) == (
        "access-log",
        1,
        30,
        20,
    )
    (kept,) = recording.read()
    assert "hush" not in repr(kept)
    assert "203.0.113.9" not in repr(kept)


def test_one_that_cannot_be_stored_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    class Picky(RedactingWriter):
        def write(self, exchange: Exchange) -> None:
            if exchange.request.target == "/odd":
                raise TypeError
            super().write(exchange)

    recording = Recording(tmp_path / "recording")
    writer = Picky(recording)
    report = import_file(har(tmp_path, entry(request__url="https://x.test/odd"), entry()), writer)
    writer.close()
    assert (report.recorded, report.first_refused) == (
        1,
        [Refused(1, "it cannot be redacted and stored (TypeError)")],
    )
    assert len(list(recording.read())) == 1


def test_har_is_told_by_its_bytes(tmp_path: Path) -> None:
    writer = RedactingWriter(Recording(tmp_path / "recording"))
    assert import_file(har(tmp_path, entry()), writer).layout == "har"
    writer.close()


def test_what_is_neither_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    writer = RedactingWriter(Recording(tmp_path / "recording"))
    with pytest.raises(ImportUnreadable, match="neither HAR nor an access log"):
        import_file(path, writer)
    with pytest.raises(ImportUnreadable, match="No such file"):
        import_file(tmp_path / "absent", writer)

"""What two answers differ in, place by place."""

import gzip

import pytest

from caravan.migration.exchange import Answer, Body, Headers
from caravan.migration.shadow import Kind, OwnHosts, Seen, compare

JSON = (("Content-Type", "application/json"),)


def answer(
    content: str | bytes, headers: Headers = JSON, status: int = 200, hosts: OwnHosts | None = None
) -> Seen:
    content = content.encode() if isinstance(content, str) else content
    return Seen(Answer(status, headers, Body.of(content)), hosts or OwnHosts())


def spots(old: Seen, new: Seen) -> set[tuple[str, str]]:
    return {(path, str(kind)) for path, kind in compare(old, new).spots()}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('{"a": 1}', '{ "a":1 }', set()),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', set()),
        ('{"a": 1}', '{"a": 1.0}', {("$.a", "type")}),
        ('{"a": 1.0}', '{"a": 1.00}', {("$.a", "value")}),
        ('{"a": 1}', '{"a": "1"}', {("$.a", "type")}),
        ('{"a": 0}', '{"a": false}', {("$.a", "type")}),
        ('{"a": 0}', '{"a": -0}', {("$.a", "value")}),
        ('{"a": 9007199254740993}', '{"a": 9007199254740992}', {("$.a", "value")}),
        ('{"a": 0.1}', '{"a": 0.1000000000000000055}', {("$.a", "value")}),
        ('{"a": NaN}', '{"a": null}', {("$.a", "type")}),
        ('{"a": "é"}', '{"a": "\\u00e9"}', set()),
        ('{"a": "é"}', '{"a": "e\u0301"}', {("$.a", "value")}),
        ('{"a": null}', "{}", {("$.a", "missing")}),
        ("{}", '{"a": null}', {("$.a", "extra")}),
        ('{"a": {}}', '{"a": []}', {("$.a", "type")}),
        ('{"a": 1, "a": 2}', '{"a": 2}', {("$.a", "value"), ("$['a (2)']", "missing")}),
        ('{"7": {"x": 1}, "8": {"x": 2}}', '{"7": {"x": 1}, "8": {"x": 3}}', {("${id}.x", "value")}),
        ('{"a b": 1}', '{"a b": 2}', {("$['a b']", "value")}),
        ("[1, 2, 3]", "[3, 1, 2]", {("$", "order")}),
        ("[1, 2]", "[1, 2, 2]", {("$", "length"), ("$[*]", "extra")}),
        ("[1, 2, 3]", "[1, 2, 4]", {("$[*]", "value")}),
        (
            '[{"id": 1, "x": 2}, {"id": 2, "x": 3}]',
            '[{"id": 2, "x": 3}, {"id": 1, "x": 2}]',
            {("$", "order")},
        ),
        (
            '[{"id": 1, "x": 2}, {"id": 2, "x": 3}]',
            '[{"id": 2, "x": 3}, {"id": 1, "x": 9}]',
            {("$", "order"), ("$[*].x", "value")},
        ),
        (
            '[{"id": 1, "x": 2}, {"id": 2, "x": 3}, {"id": 3, "x": 4}]',
            '[{"id": 1, "x": 2}, {"id": 3, "x": 5}]',
            {("$", "length"), ("$[*]", "missing"), ("$[*].x", "value")},
        ),
        ('{"a": 1}', '{"a": 1', {("body", "type")}),
        ("[" * 100_000, "[" * 100_001, {("text[*]", "value")}),
        ("[" * 400 + "1" + "]" * 400, "[" * 400 + "2" + "]" * 400, {("text[*]", "value")}),
    ],
)
def test_json_is_compared_by_its_tokens(old: str, new: str, found: set[tuple[str, str]]) -> None:
    assert spots(answer(old), answer(new)) == found


def test_an_insertion_at_the_front_is_one_difference_and_no_cascade() -> None:
    old = [f'{{"text": "line {number}"}}' for number in range(50)]
    new = ['{"text": "first"}', *old]
    assert spots(answer(f"[{','.join(old)}]"), answer(f"[{','.join(new)}]")) == {
        ("$", "length"),
        ("$[*]", "extra"),
    }


def test_the_trail_leads_to_the_place() -> None:
    found = compare(answer('{"a": [{"b": 1}, {"b": 2}]}'), answer('{"a": [{"b": 1}, {"b": 3}]}'))
    assert [(each.trail, each.old, each.new) for each in found.differences] == [
        (("$", "a", 1, "b"), "2", "3")
    ]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ((("Cache-Control", "private, max-age=60"),), (("cache-control", "max-age=60,private"),), set()),
        (
            (("Cache-Control", "private"),),
            (("Cache-Control", "public"),),
            {("header.cache-control", "value")},
        ),
        ((("X-Total-Count", "7"),), (), {("header.x-total-count", "missing")}),
        ((("Date", "a"), ("Server", "b"), ("Connection", "close")), (), set()),
        (
            (("Content-Type", "application/json; charset=UTF-8"),),
            (("content-type", 'Application/JSON;charset="utf-8"'),),
            set(),
        ),
        (
            (("Set-Cookie", "sid=1; Path=/; HttpOnly; Secure"),),
            (("Set-Cookie", "sid=1; Secure; path=/"),),
            {("cookie.sid.httponly", "missing")},
        ),
        (
            (("Set-Cookie", "sid=1; SameSite=Lax"),),
            (("Set-Cookie", "sid=1; SameSite=None"),),
            {("cookie.sid.samesite", "value")},
        ),
        (
            (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
            (("Set-Cookie", "b=2"), ("Set-Cookie", "a=1")),
            set(),
        ),
        ((("Set-Cookie", "a=1"),), (), {("cookie.a", "missing")}),
        (
            (("Set-Cookie", "a=1"), ("Set-Cookie", "a=2")),
            (("Set-Cookie", "a=1"),),
            {("cookie['a (again)']", "missing")},
        ),
        (
            (("Set-Cookie", "a=1; Domain=.One.example"),),
            (("Set-Cookie", "a=1; Domain=two.example"),),
            {("cookie.a.domain", "value")},
        ),
    ],
)
def test_headers_and_cookies_are_compared_by_meaning(
    old: Headers, new: Headers, found: set[tuple[str, str]]
) -> None:
    assert spots(answer("", old), answer("", new)) == found


def test_a_redirect_may_name_its_own_host_and_no_other() -> None:
    old_hosts, new_hosts = OwnHosts.of(["http://old:8001"]), OwnHosts.of(["new:8002"])

    def to(url: str, hosts: OwnHosts) -> Seen:
        return answer("", (("Location", url),), 302, hosts)

    there = to("http://old:8001/login?next=%2F", old_hosts)
    assert spots(there, to("https://new:8002/login?next=%2F", new_hosts)) == set()
    changed = {("header.location", "value")}
    assert spots(there, to("http://new:8002/login", new_hosts)) == changed
    assert spots(there, to("http://old:8001/login?next=%2F", new_hosts)) == changed
    assert spots(there, to("/login?next=%2F", new_hosts)) == changed


def test_a_cookie_may_be_of_its_sides_own_domain() -> None:
    old = answer("", (("Set-Cookie", "a=1; Domain=.old.example"),), hosts=OwnHosts.of(["old.example:80"]))
    new = answer("", (("Set-Cookie", "a=1; Domain=new.example"),), hosts=OwnHosts.of(["new.example"]))
    assert spots(old, new) == set()
    broken = answer('{"a": "http://[broken/x"}', hosts=OwnHosts.of(["old.example"]))
    assert spots(broken, answer('{"a": "http://[broken/y"}')) == {("$.a", "value")}


def test_a_link_in_the_body_may_name_its_own_host() -> None:
    old, new = OwnHosts.of(["old:1"]), OwnHosts.of(["new:2"])
    here = answer('{"next": "http://old:1/orders?page=2"}', hosts=old)
    assert spots(here, answer('{"next": "http://new:2/orders?page=2"}', hosts=new)) == set()
    assert spots(here, answer('{"next": "http://new:2/orders?page=3"}', hosts=new)) == {("$.next", "value")}


def test_an_error_page_is_not_compared_field_by_field() -> None:
    assert spots(answer('{"a": 1}'), answer('{"detail": "no"}', status=500)) == {("status", "value")}
    assert spots(answer('{"a": 1}'), answer('{"a": 2}', status=201)) == {
        ("status", "value"),
        ("$.a", "value"),
    }


def test_an_answer_that_never_came_is_a_difference() -> None:
    failed = Seen(Answer(0, failure="ReadTimeout"))
    assert ("status", "value") in spots(answer("{}"), failed)


def media(kind: str) -> Headers:
    return (("Content-Type", kind),)


@pytest.mark.parametrize(
    ("kind", "old", "new", "found"),
    [
        ("application/x-www-form-urlencoded", "a=1&b=x+y", "b=x%20y&a=1", set()),
        ("application/x-www-form-urlencoded", "a=1&b=", "a=1", {("form.b", "missing")}),
        ("text/plain", "one\ntwo  \n", "one\r\ntwo", set()),
        ("text/plain", "one\ntwo", "one\nTwo", {("text[*]", "value")}),
        (
            "text/html",
            '<p class="b a" id=x>Hello   you<!-- note --></p>',
            '<P id="x" class="a b">\n Hello you </P>',
            set(),
        ),
        (
            "text/html",
            "<ul><li>one<li>two</ul>",
            "<ul><li>one</li><li>three</li></ul>",
            {("html[*].ul.inside[*].li.inside[*]", "value")},
        ),
        (
            "text/html",
            "<!DOCTYPE html><br><img src=a /><p>x",
            "<!doctype HTML>\n<br/><img src='a'></p><p>x</p>",
            set(),
        ),
        ("text/html", "<input disabled>", "<input disabled=''>", {("html[*].input.@disabled", "type")}),
        ("application/xml", "<a>\n<b/></a>", "<a>\n<c/></a>", {("text[*]", "value")}),
        ("text/plain", '{"a": 1}', '{"a":1}', set()),
        ("text/plain; charset=klingon", "a", "b", {("bytes.sha256", "value")}),
        ("application/vnd.shop+json", '{"a": 1}', '{"a":2}', {("$.a", "value")}),
        ("text/html", "<p>a</p>", "<div>a</div>", {("html[*].p", "missing"), ("html[*].div", "extra")}),
        ("text/event-stream", 'data: {"n": 1}\n\n: beat\n\n', 'data:{"n":1}\r\n\r\n', set()),
        (
            "text/event-stream",
            'event: a\ndata: {"n": 1}\n\n',
            'event: a\ndata: {"n": 2}\n\n',
            {("events[*].data.n", "value")},
        ),
        ("text/event-stream", "data: x\n\n", "data: x", {("events[*].unfinished", "extra")}),
        ("application/x-ndjson", '{"n": 1}\n{"n": 2}\n', '{"n":1}\n{"n":2.0}\n', {("lines[*].n", "type")}),
        ("application/x-ndjson", '{"n": 1}\n{"n": 2}\n', '{"n":2}\n{"n":1}\n', {("lines", "order")}),
    ],
)
def test_other_bodies_are_compared_by_their_own_form(
    kind: str, old: str, new: str, found: set[tuple[str, str]]
) -> None:
    assert spots(answer(old, media(kind)), answer(new, media(kind))) == found


def test_bytes_are_compared_by_hash_and_length() -> None:
    png = media("image/png")
    assert spots(answer(b"\x89a", png), answer(b"\x89a", png)) == set()
    assert spots(answer(b"\x89a", png), answer(b"\x89b", png)) == {("bytes.sha256", "value")}


def test_a_body_too_long_to_keep_is_known_by_its_hash() -> None:
    long = Body(None, 5_000_000, b"1" * 32)
    other = Body(None, 5_000_000, b"2" * 32)
    old, new = Seen(Answer(200, JSON, long)), Seen(Answer(200, JSON, other))
    assert spots(old, Seen(Answer(200, JSON, long))) == set()
    assert spots(old, new) == {("bytes.sha256", "value")}


def test_compression_is_a_header_and_no_difference_of_the_body() -> None:
    packed = gzip.compress(b'{"a": 1}')
    zipped = answer(packed, (*JSON, ("Content-Encoding", "gzip")))
    assert spots(answer('{"a": 1}'), zipped) == {("header.content-encoding", "extra")}
    bomb = answer(gzip.compress(b"0" * 20_000_000), (*JSON, ("Content-Encoding", "gzip")))
    assert ("body", "type") in spots(answer("[]"), bomb)


def test_kinds_have_names_that_reports_print() -> None:
    assert [kind.value for kind in Kind] == [
        "missing",
        "extra",
        "type",
        "value",
        "order",
        "length",
        "reference",
    ]

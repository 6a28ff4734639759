"""No planted secret is found in any byte of the store; equality can still be seen."""

import base64
import gzip
import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caravan.migration.exchange import Body, Exchange
from caravan.migration.recording import (
    Recording,
    RedactingWriter,
    RedactionRules,
    Redactor,
    RuleInvalid,
    is_placeholder,
)
from caravan.migration.recording.redaction.json_body import redact_json
from caravan.migration.recording.redaction.placeholders import Placeholders
from caravan.migration.recording.redaction.text import TextRedactor, is_card_number

Made = Callable[..., Exchange]
KEY = b"k" * 32
PLANTED = "Zx9-Planted-7Qw"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"
CARD = "4111111111111111"
FORM = "application/x-www-form-urlencoded"


def multipart(*parts: tuple[str, str]) -> bytes:
    return (
        b"".join(
            f"--B\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n".encode()
            for name, value in parts
        )
        + b"--B--\r\n"
    )


PLACES: dict[str, dict[str, object]] = {
    "authorization": {"headers": (("Authorization", f"Bearer {PLANTED}"),)},
    "basic": {"headers": (("authorization", "Basic " + base64.b64encode(PLANTED.encode()).decode()),)},
    "authorization without a scheme": {"headers": (("AUTHORIZATION", PLANTED),)},
    "cookie": {"headers": (("Cookie", f"a=1; session={PLANTED}"),)},
    "set-cookie": {"more": (("Set-Cookie", f"sid={PLANTED}; Path=/; HttpOnly"),)},
    "api key header": {"headers": (("X-Api-Key", PLANTED),)},
    "service token header": {"headers": (("x-service-token", PLANTED),)},
    "csrf header": {"headers": (("X-CSRF-Token", PLANTED),)},
    "query": {"target": f"/a?access_token={PLANTED}&x=1"},
    "query, encoded name": {"target": f"/a?api%5Fkey={PLANTED}"},
    "query in a header": {"headers": (("Referer", f"https://x.test/a?token={PLANTED}"),)},
    "redirect": {"more": (("Location", f"/back?code=1&id_token={PLANTED}"),)},
    "user of a URL": {"answer": f'"https://me:{PLANTED}@x.test/"'.encode()},
    "json": {
        "body": json.dumps({"password": PLANTED}).encode(),
        "headers": (("Content-Type", "application/json"),),
    },
    "json, camel": {"answer": json.dumps({"data": [{"refreshToken": PLANTED}]}).encode()},
    "json, below": {"answer": json.dumps({"credentials": {"a": [PLANTED]}}).encode()},
    "json in json": {"answer": json.dumps({"raw": json.dumps({"secret": PLANTED})}).encode()},
    "json in json in json": {
        "answer": json.dumps([json.dumps({"a": json.dumps({"secret": PLANTED})})]).encode()
    },
    "json, escaped": {"answer": b'{"p\\u0061ssword": "Zx9\\u002dPlanted-7Qw"}'},
    "broken json": {"answer": b'{"password": "' + PLANTED.encode() + b'", '},
    "json lines": {
        "answer": f'{{"a":1}}\n{{"token":"{PLANTED}"}}\n'.encode(),
        "kind": "application/x-ndjson",
    },
    "form": {"body": f"user=me&password={PLANTED}".encode(), "headers": (("content-type", FORM),)},
    "form, nested name": {"body": f"user[password]={PLANTED}".encode(), "headers": (("content-type", FORM),)},
    "form without a type": {"body": f"pin=1&passwd={PLANTED}".encode()},
    "multipart": {
        "body": multipart(('name="password"', PLANTED)),
        "headers": (("Content-Type", "multipart/form-data; boundary=B"),),
    },
    "file in a form": {
        "body": multipart(('name="f"; filename="a.txt"', PLANTED)),
        "headers": (("Content-Type", "multipart/form-data; boundary=B"),),
    },
    "text": {"answer": f"user me, password: {PLANTED}".encode(), "kind": "text/plain"},
    "xml": {"answer": f"<a><password>{PLANTED}</password></a>".encode(), "kind": "application/xml"},
    "html field": {"answer": f"<script>var apiKey = '{PLANTED}';</script>".encode(), "kind": "text/html"},
    "gzip": {
        "answer": gzip.compress(json.dumps({"secret": PLANTED}).encode()),
        "more": (("Content-Encoding", "gzip"),),
    },
    "deflate": {
        "answer": zlib.compress(b'{"secret": "' + PLANTED.encode() + b'"}'),
        "more": (("Content-Encoding", "deflate"),),
    },
    "an encoding we cannot read": {"answer": PLANTED.encode(), "more": (("Content-Encoding", "br"),)},
    "csv": {"answer": f"user,Password\nbob,{PLANTED}\n".encode(), "kind": "text/csv"},
    "csv with semicolons": {
        "answer": f"token;user\r\n{PLANTED};bob\r\n".encode(),
        "kind": "text/csv; charset=utf-8",
    },
    "hidden field": {
        "answer": f'<input type=hidden value="{PLANTED}" name="csrf_token">'.encode(),
        "kind": "text/html",
    },
    "meta tag": {"answer": f"<meta name=csrf-token content={PLANTED}>".encode(), "kind": "text/html"},
    "address in an address": {
        "headers": (("Referer", f"https://x.test/?next=%2Fa%3Ftoken%3D{PLANTED}%26b%3D1"),)
    },
    "address in an address of the target": {
        "target": f"/go?to=https%3A%2F%2Fx.test%2F%3Fapi_key%3D{PLANTED}"
    },
    "session in a path": {"target": f"/a;jsessionid={PLANTED}"},
    "second password": {"answer": json.dumps({"passwordConfirmation": PLANTED}).encode()},
    "signed webhook": {"headers": (("X-Hub-Signature-256", f"sha256={PLANTED}"),)},
    "utf-16": {"answer": json.dumps({"password": PLANTED}).encode("utf-16")},
    "gzip that does not say so": {
        "answer": gzip.compress(f"password={PLANTED}".encode() * 9),
        "kind": "text/plain",
    },
    "attribute": {"answer": f'<login user="x" password="{PLANTED}"/>'.encode(), "kind": "text/xml"},
    "headers in a text": {
        "answer": f"Authorization: Token {PLANTED}\nCookie: a=1; b={PLANTED}".encode(),
        "kind": "text/plain",
    },
    "name of a name": {"answer": f"error: request: password={PLANTED}".encode(), "kind": "text/plain"},
    "cut json": {"answer": f'{{"password": "{PLANTED}'.encode()},
    "empty, then full": {"answer": f"password=\"\" token='{PLANTED}'".encode(), "kind": "text/plain"},
    "binary": {"answer": PLANTED.encode() + b"\x00\x01", "kind": "image/png"},
    "jwt anywhere": {"answer": json.dumps({"link": f"see {JWT} there"}).encode()},
    "jwt in a path": {"target": f"/reset/{JWT}"},
    "private key": {
        "answer": f"-----BEGIN PRIVATE KEY-----\n{PLANTED}\n-----END PRIVATE KEY-----".encode(),
        "kind": "text/plain",
    },
    "failure": {"client": "203.0.113.77"},
    "forwarded": {"headers": (("X-Forwarded-For", "203.0.113.77, 10.0.0.1"),)},
    "card in json": {"answer": json.dumps({"note": f"paid with {CARD} today"}).encode()},
    "card as a number": {"answer": b'{"n": 4111111111111111}'},
    "card with spaces": {"answer": b'{"n": "4111 1111 1111 1111"}'},
    "card with dashes": {"target": "/a?n=4111-1111-1111-1111"},
    "card in a path": {"target": f"/cards/{CARD}/x"},
    "card in a header": {"headers": (("X-Note", CARD),)},
    "card as a key": {"answer": f'{{"{CARD}": 1}}'.encode()},
    "card in text": {"answer": f"<p>{CARD}</p>".encode(), "kind": "text/html"},
    "declared header": {"headers": (("X-Tenant", PLANTED),)},
    "declared query": {"target": f"/a?q={PLANTED}"},
    "declared field": {"answer": json.dumps({"customers": [{"contact": {"phone": PLANTED}}]}).encode()},
    "declared path": {"target": f"/reset/{PLANTED}/now"},
    "declared number": {"answer": b'{"salary": 987654321}'},
}
SOUGHT = (
    PLANTED, JWT, JWT.split(".")[1], CARD, "4111 1111 1111 1111", "4111-1111", "203.0.113.77", "987654321",
    base64.b64encode(PLANTED.encode()).decode(),
)  # fmt: skip
RULES = RedactionRules.declared(
    [
        "header:X-Tenant",
        "query:q",
        "body:customers[].contact.phone",
        "path:/reset/{token}/now",
        "body:**.salary",
    ]
)


def everything(exchange: Exchange) -> str:
    """All that an exchange says, as one text; bodies in the clear."""
    bodies = [body.content or b"" for body in (exchange.request.body, exchange.answer.body)]
    return repr(exchange) + "".join(body.decode("latin-1") for body in bodies)


@pytest.mark.parametrize("place", PLACES)
def test_a_planted_secret_is_gone(made: Made, place: str) -> None:
    exchange = made(**PLACES[place])
    told = everything(Redactor(KEY, RULES).redact(exchange))
    assert [sought for sought in SOUGHT if sought in told] == []


def test_no_planted_secret_is_in_any_byte_of_the_store(tmp_path: Path, made: Made) -> None:
    recording = Recording(tmp_path / "recording")
    writer = RedactingWriter(recording, RULES)
    for place in PLACES.values():
        writer.write(made(**place))
    writer.close()
    stored = b"".join(path.read_bytes() for path in recording.folder.iterdir())
    told = "".join(map(everything, recording.read()))
    assert len(list(recording.read())) == len(PLACES)
    for sought in SOUGHT:
        assert sought.encode() not in stored
        assert sought not in told


def test_equal_secrets_have_equal_marks_wherever_they_stand_and_others_do_not(made: Made) -> None:
    redactor = Redactor(KEY)
    header = redactor.redact(made(headers=(("Authorization", f"Bearer {PLANTED}"),))).request.headers[0][1]
    query = redactor.redact(made(f"/a?token={PLANTED}")).request.query
    other = redactor.redact(made("/a?token=another")).request.query
    assert header.removeprefix("Bearer ") == query.removeprefix("token=")
    assert query != other
    assert is_placeholder(query)


def test_marks_of_two_recordings_cannot_be_joined(made: Made) -> None:
    exchange = made(f"/a?token={PLANTED}")
    assert Redactor(KEY).redact(exchange).request != Redactor(b"o" * 32).redact(exchange).request


def test_what_is_not_secret_keeps_every_byte(made: Made) -> None:
    body = b'{ "b": 1.0, "a": 0.1000, "big": 123456789012345678901234567890, "caf\xc3\xa9": "\\u00e9", "token_type":"x" }'
    exchange = made("//a%2fb?x=%7e&next_page_token=7", headers=(("X-A", " 1"),), answer=body)
    assert Redactor(KEY).redact(exchange) == exchange


def test_around_a_secret_json_keeps_its_digits_and_order(made: Made) -> None:
    kept = Redactor(KEY).redact(made(answer=b'{ "z": 1.0, "pin": "1", "a": 0.1000,"n":null}')).answer.body
    assert kept.content is not None
    assert kept.content.startswith(b'{ "z": 1.0, "pin": "~secret.')
    assert kept.content.endswith(b'~", "a": 0.1000,"n":null}')
    assert kept == Body.of(kept.content)


def test_a_secret_number_stays_a_number_of_as_many_digits(made: Made) -> None:
    kept = Redactor(KEY).redact(made(answer=b'{"pin": 1234, "otp": -12.50}')).answer.body.content or b""
    told = json.loads(kept)
    assert isinstance(told["pin"], int)
    assert len(str(told["pin"])) == 4
    assert isinstance(told["otp"], float)
    assert told["pin"] != 1234


def test_schemes_and_names_stay(made: Made) -> None:
    exchange = Redactor(KEY).redact(
        made(
            headers=(("Cookie", "a=1; b=2"),),
            more=(("Set-Cookie", "sid=x; Path=/; Secure"), ("WWW-Authenticate", "Bearer")),
        )
    )
    cookie = exchange.request.headers[0][1]
    assert [pair.partition("=")[0] for pair in cookie.split("; ")] == ["a", "b"]
    assert exchange.answer.headers[1][1].endswith("; Path=/; Secure")
    assert exchange.answer.headers[2] == ("WWW-Authenticate", "Bearer")


def test_a_body_without_content_keeps_its_length_and_no_plain_hash(made: Made) -> None:
    secret = Body(None, 4, Body.of(b"1234").sha256)
    first = Redactor(KEY)._bodies.redact(secret, ())
    assert (first.content, first.length) == (None, 4)
    assert first.sha256 != secret.sha256
    assert first == Redactor(KEY)._bodies.redact(secret, ())


def test_redacting_twice_changes_nothing_more(made: Made) -> None:
    redactor = Redactor(KEY, RULES)
    for place in PLACES.values():
        once = redactor.redact(made(**place))
        assert redactor.redact(once).request.target == once.request.target
        assert redactor.redact(once).request.headers == once.request.headers


def test_a_body_that_would_grow_without_end_is_not_kept(made: Made) -> None:
    bomb = gzip.compress(b"0" * (17 * 1024 * 1024))
    kept = Redactor(KEY).redact(made(answer=bomb, more=(("Content-Encoding", "gzip"),)))
    assert kept.answer.body.content is None


@pytest.mark.parametrize(
    "number", ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"]
)
def test_card_numbers_are_known(number: str) -> None:
    assert is_card_number(number)


HOSTILE = {
    "one long word": "a" * 300_000 + " token",
    "signs": "://a:" * 20_000 + "token",
    "assignments": "a=" * 60_000 + " token",
    "open quotes": "password='" * 20_000,
    "encoded": "%3d" * 50_000,
    "digits": "1 " * 100_000 + "token",
    "tags": "<input " * 30_000 + "token",
    "keys": "-----BEGIN PRIVATE KEY-----" * 3_000,
}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_takes_long(made: Made, text: str) -> None:
    exchange = made(answer=HOSTILE[text].encode(), kind="text/plain")
    began = time.process_time()
    Redactor(KEY).redact(exchange)
    assert time.process_time() - began < 5  # what grows with the square takes minutes


@pytest.mark.parametrize("number", ["4111111111111112", "1700000000000", "0000000000000000"])
def test_other_numbers_are_not(number: str) -> None:
    assert not is_card_number(number)


@pytest.mark.parametrize("rule", ["header", "head:x", "path:reset", "body:", "path:/a/b", "query:a b"])
def test_a_rule_nobody_understands_is_refused(rule: str) -> None:
    with pytest.raises(RuleInvalid, match="no rule"):
        RedactionRules.declared([rule])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(
    _json,
    st.sampled_from(["password", "apiKey", "X-Token"]),
    st.text(min_size=12, max_size=30, alphabet="QXZJKV"),
)
def test_a_secret_in_any_document_is_gone_and_the_document_stays_json(
    value: object, name: str, secret: str
) -> None:

    assume(secret not in json.dumps(value))
    marks = Placeholders(KEY)
    text = json.dumps([value, {name: secret}, {name: [{"deep": secret}]}])
    kept = redact_json(text, RedactionRules(), marks, TextRedactor(marks))
    assert secret not in kept
    assert len(json.loads(kept)) == 3

"""A body ends where its framing says, however its bytes were cut on the way."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caravan.migration.gateway.body_framing import ChunkedBody, FramingError, LengthBody, chunk, last_chunk

PAYLOADS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
CUTS = st.lists(st.integers(0, 400), max_size=12)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


@settings(max_examples=300, deadline=None)
@given(PAYLOADS, CUTS, st.sampled_from([b"", b"X-A: b\r\n", b"X-A: b\r\nX-C:d\r\n"]), st.binary(max_size=10))
def test_chunks_come_out_whole_however_they_are_cut(
    payloads: list[bytes], cuts: list[int], trailers: bytes, behind: bytes
) -> None:
    wire = b"".join(b"%x;a=b\r\n%b\r\n" % (len(one), one) for one in payloads) + b"0\r\n" + trailers + b"\r\n"
    body = ChunkedBody()
    out = b""
    rest = b""
    for piece in pieces(wire, cuts):
        payload, rest = body.feed(piece)
        out += payload

    assert body.done
    assert (out, rest) == (b"".join(payloads), b"")
    assert body.trailers == [line for line in trailers.split(b"\r\n") if line]
    again = ChunkedBody()
    assert again.feed(wire + behind) == (b"".join(payloads), behind)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60), CUTS)
def test_a_cut_changes_nothing_about_what_is_refused(wire: bytes, cuts: list[int]) -> None:
    def outcome(parts: list[bytes]) -> tuple[str, bytes]:
        body, out = ChunkedBody(), b""
        try:
            for number, part in enumerate(parts):
                payload, rest = body.feed(part)
                out += payload
                if body.done:
                    return "done", out + b"|" + rest + b"".join(parts[number + 1 :])
        except FramingError:
            return "refused", b""
        return "open", out

    whole, cut = outcome([wire]), outcome(pieces(wire, cuts))
    assert whole == cut or ({whole[0], cut[0]} == {"refused", "open"} and cut[0] == "open")


@given(PAYLOADS)
def test_what_is_written_is_read_again(payloads: list[bytes]) -> None:
    body = ChunkedBody()
    wire = b"".join(map(chunk, payloads)) + last_chunk([b"X-A: b"])
    assert body.feed(wire + b"next") == (b"".join(payloads), b"next")
    assert body.trailers == [b"X-A: b"]


def test_a_length_counts_bytes() -> None:
    body = LengthBody(5)
    assert body.feed(b"abc") == (b"abc", b"")
    assert body.feed(b"defg") == (b"de", b"fg")
    assert body.done
    assert LengthBody(0).done


@pytest.mark.parametrize(
    "wire",
    [
        b"5\nhello",
        b"g\r\n",
        b"5\r\nhello!",
        b"-1\r\n",
        b"0\r\nHost: a\r\n\r\n",
        b"1" * 17,
        b"5;" + b"a" * 2000,
    ],
)
def test_what_is_no_chunk_is_refused(wire: bytes) -> None:
    with pytest.raises(FramingError):
        ChunkedBody().feed(wire)

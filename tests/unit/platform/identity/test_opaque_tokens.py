"""Opaque tokens and API keys as texts."""

import pytest

from caravan.platform.identity.opaque_tokens import digest, new_api_key, new_token, parse_api_key


def test_tokens_have_256_bits_and_differ() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) == 43


def test_a_key_reads_back() -> None:
    for _ in range(50):
        key = new_api_key()
        assert str(key).startswith(f"crv_{key.prefix}_")
        assert parse_api_key(str(key)) == key


@pytest.mark.parametrize("text", ["", "crv_", "crv_abcdefghij_short", "crv_ABCDEFGHIJ_" + "x" * 43, "x" * 58])
def test_any_other_text_is_no_key(text: str) -> None:
    assert parse_api_key(text) is None


def test_a_digest_takes_any_text() -> None:
    assert len(digest("\ud800")) == 32

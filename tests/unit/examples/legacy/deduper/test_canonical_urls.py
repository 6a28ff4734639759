"""Two spellings of one address have one canonical form; two addresses have two."""

import pytest

from examples.legacy.deduper.src.article_duplicates.canonical_urls import canonical_url


@pytest.mark.parametrize(
    "spelling",
    [
        "https://daily.example/a/b?x=1&y=2",
        "http://daily.example/a/b?x=1&y=2",
        "HTTPS://WWW.Daily.Example/A/B?X=1&Y=2",
        "  https://www.daily.example/a/b//?x=1&y=2#top ",
        "https://daily.example/a/b?utm_source=mail&x=1&fbclid=3&y=2&ref=z&_ga=1",
        "https://daily.example/a/b?x=1&plain&y=2",
    ],
)
def test_spellings_of_one_address_are_equal(spelling: str) -> None:
    assert canonical_url(spelling) == "https://daily.example/a/b?x=1&y=2"


@pytest.mark.parametrize(
    "other",
    [
        "https://daily.example/a/b?y=2&x=1",
        "https://daily.example:8443/a/b?x=1&y=2",
        "https://me@daily.example/a/b?x=1&y=2",
        "https://www.www.daily.example/a/b?x=1&y=2",
        "https://m.daily.example/a/b?x=1&y=2",
        "https://daily.example/a/c?x=1&y=2",
        "https://daily.example/a/b?x=1&y=2&utm=3",
    ],
)
def test_other_addresses_stay_other(other: str) -> None:
    assert canonical_url(other) not in {None, "https://daily.example/a/b?x=1&y=2"}


@pytest.mark.parametrize(
    "text", ["", "   ", "no address", "/a/b", "https://", "https:///path", "https://[::1"]
)
def test_what_names_no_host_has_no_canonical_form(text: str) -> None:
    assert canonical_url(text) is None


def test_an_address_without_a_path_equals_the_one_with_a_slash() -> None:
    assert canonical_url("http://www.daily.example/") == canonical_url("https://daily.example") is not None

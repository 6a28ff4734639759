"""Equal texts have equal fingerprints in every process, similar ones similar."""

import hashlib
import subprocess
import sys
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from examples.legacy.deduper.src.article_duplicates.fingerprints import (
    BITS,
    Fingerprint,
    fingerprint,
    likeness,
    words,
)
from tests.fixtures.command_line import ROOT

TEXTS = st.text(st.sampled_from("abcdefgh  ,.<>"), max_size=200)


def simhash_by_the_book(text: str) -> int:
    """Count each bit's votes one by one."""
    votes = [0] * BITS
    for word in words(text):
        hashed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        for bit in range(BITS):
            votes[bit] += 1 if hashed >> bit & 1 else -1
    return sum(1 << bit for bit in range(BITS) if votes[bit] > 0)


def test_case_tags_punctuation_short_and_stop_words_do_not_matter() -> None:
    assert words("<p>The CRASH, of_a <b>red-hot</b> lamp; it's 25 now!</p>") == [
        "crash",
        "red",
        "hot",
        "lamp",
    ]
    assert fingerprint("Red lamp", "burns down") == fingerprint("<i>RED</i>", "the lamp: burns... down")


def test_what_is_missing_scores_one_with_itself_and_zero_with_a_text() -> None:
    some = fingerprint(None, "red lamp burns")
    assert fingerprint(None, None) is None
    assert [likeness(*pair) for pair in ((None, None), (some, None), (None, some), (some, some))] == [
        1,
        0,
        0,
        1,
    ]
    assert likeness(fingerprint("", None), fingerprint(None, "of a")) == 1.0


@given(TEXTS)
def test_the_simhash_is_the_majority_of_each_bit(text: str) -> None:
    made = fingerprint(None, text)
    assert made is not None
    assert made.simhash == simhash_by_the_book(text)


@given(TEXTS, TEXTS)
def test_likeness_is_symmetric_and_within_bounds(one: str, other: str) -> None:
    made = fingerprint(None, one), fingerprint(None, other)
    assert likeness(*made) == likeness(*reversed(made))
    assert 0 <= likeness(*made) <= 1


def test_likeness_is_the_share_of_equal_bits() -> None:
    assert likeness(Fingerprint(b"a", 0b1111), Fingerprint(b"b", 0b0001)) == 1 - 3 / 64


def test_a_text_with_few_changed_words_is_nearer_than_another_text() -> None:
    base = [f"word{number}" for number in range(100)]
    texts = [base, [*base[:98], "one", "two"], [f"other{number}" for number in range(100)]]
    made = [fingerprint(None, " ".join(text)) for text in texts]
    near, far, _ = (likeness(one, other) for one, other in combinations(made, 2))
    assert near > 0.85
    assert far < 0.75


def test_the_simhash_is_the_same_in_another_process() -> None:
    code = (
        "from examples.legacy.deduper.src.article_duplicates.fingerprints import fingerprint;"
        "print(fingerprint(None, 'red lamp burns down slowly').simhash)"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = fingerprint(None, "red lamp burns down slowly")
    assert here is not None
    assert told == {f"{here.simhash}\n"}

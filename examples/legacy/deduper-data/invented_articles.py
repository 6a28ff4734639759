"""Invented articles: words of syllables, texts of words, addresses on domains that cannot exist."""

import random
from typing import Final

from article_rows import STATES, Article

__all__ = ["Inventor"]

_ONSETS: Final = (
    "b",
    "br",
    "d",
    "f",
    "g",
    "gr",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "z",
)
_VOWELS: Final = ("a", "e", "i", "o", "u", "ai", "ou")
_SMALL: Final = ("the", "and", "of", "in", "with", "was", "for", "by")
_OUTLETS: Final = ("daily", "herald", "courier", "tribune", "ledger")
_VOCABULARY: Final = 2500
_NO_STATE: Final = 0.03


class Inventor:
    """A source of articles; the seed decides everything."""

    def __init__(self, seed: str) -> None:
        self.dice = random.Random(seed)
        self._words = sorted({self._word() for _ in range(_VOCABULARY)})
        self._made = 0

    def article(self) -> Article:
        """Return an article of its own: its URL, headline and text are no other's."""
        self._made += 1
        slug = "-".join(self.dice.choices(self._words, k=4))
        query = self.dice.choice(("", "", "?page=2&lang=en"))
        return Article(
            url=f"https://{self.dice.choice(_OUTLETS)}.example/2026/{slug}-{self._made}{query}",
            headline=" ".join(self.dice.choices(self._words, k=8)).capitalize(),
            text=". ".join(self._sentence() for _ in range(10)) + ".",
            state="" if self.dice.random() < _NO_STATE else self.dice.choice(STATES),
        )

    def near(self, text: str) -> str:
        """Return the text with two of its words replaced."""
        words = text.split()
        long = [place for place, word in enumerate(words) if len(word) > 4]
        for place in self.dice.sample(long, 2):
            words[place] = self.dice.choice(self._words)
        return " ".join(words)

    def dressed(self, text: str) -> str:
        """Return the same text with other case, punctuation, spaces and tags."""
        return f"<p>{text.upper().replace('. ', '!  ')}</p>\n"

    def respelled(self, url: str) -> str:
        """Return another spelling of the same address."""
        base, mark, query = url.removeprefix("https://").partition("?")
        added = self.dice.choice(("utm_source=mail", "fbclid=1x", "GCLID=9&plain"))
        return (
            self.dice.choice(("http://", "https://", " HTTPS://"))
            + self.dice.choice(("www.", "WWW.", ""))
            + self.dice.choice((base, base.upper()))
            + self.dice.choice(("", "/", "//"))
            + f"?{query}{'&' if mark else ''}{added}"
            + self.dice.choice(("", "#top"))
        )

    def almost(self, url: str) -> str:
        """Return an address that only looks the same."""
        base, _, query = url.partition("?")
        host = base.removeprefix("https://")
        return self.dice.choice(
            (
                base.replace(".example/", ".example:8443/") + f"?{query}",
                f"{base}-2?{query}",
                f"{base}?{query}&edition=3",
                f"https://mobile.{host}?{query}",
            )
        )

    def _sentence(self) -> str:
        words = [*self.dice.choices(self._words, k=11), *self.dice.choices(_SMALL, k=3)]
        self.dice.shuffle(words)
        return " ".join(words).capitalize()

    def _word(self) -> str:
        return "".join(self.dice.choice(_ONSETS) + self.dice.choice(_VOWELS) for _ in range(3))

"""Every template in every language and channel."""

from pathlib import Path

import pytest

from caravan.platform.messaging import LOCALES, MessageInvalidError, rendering
from caravan.platform.messaging.rendering import render

VARIABLES = {
    "name": "Zoë",
    "url": "https://example.com/x?y=1&z=2",
    "minutes": 60,
    "inviter": "Sam",
    "organisation": "Blue Door",
    "days": 7,
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("template", ["password_reset", "invite"])
def test_each_template_says_the_address_and_leaves_nothing_open(
    template: str, channel: str, locale: str
) -> None:
    message = render(template, channel, locale, VARIABLES)
    assert message.locale == locale
    assert VARIABLES["url"] in message.body
    assert "{{" not in message.body
    assert (message.subject is not None) == (channel == "email")
    assert message.subject is None or "\n" not in message.subject


def test_the_languages_have_the_same_templates() -> None:
    folder = Path(rendering.__file__).parent / "templates"
    names = {locale: {path.name for path in (folder / locale).iterdir()} for locale in LOCALES}
    assert names["en"] == names["fr"] == names["ar"]


@pytest.mark.parametrize(("asked", "spoken"), [("fr-MA", "fr"), ("AR_sa", "ar"), ("de", "en"), ("", "en")])
def test_the_nearest_language_is_spoken(asked: str, spoken: str) -> None:
    assert render("invite", "sms", asked, VARIABLES).locale == spoken


def test_names_within_arabic_are_isolated() -> None:
    assert "\u2068Blue Door\u2069" in render("invite", "email", "ar", VARIABLES).body


def test_values_are_never_code_and_subjects_never_headers() -> None:
    sneaky = VARIABLES | {"inviter": "{{ 7 * 7 }}\nBcc: all@example.com"}
    message = render("invite", "email", "en", sneaky)
    assert "{{ 7 * 7 }}" in message.body
    assert message.subject == "{{ 7 * 7 }} Bcc: all@example.com invites you to Blue Door"


@pytest.mark.parametrize("template", ["nothing", "../en/invite", "invite.email"])
def test_no_such_template(template: str) -> None:
    with pytest.raises(MessageInvalidError, match="There is no template"):
        render(template, "email", "en", VARIABLES)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(MessageInvalidError, match="organisation"):
        render("invite", "sms", "en", {"inviter": "x", "url": "y"})

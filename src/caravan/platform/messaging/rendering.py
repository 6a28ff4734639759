"""Messages from templates: plain text, in the reader's language, values never become code."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from caravan.platform.messaging.errors import MessageInvalidError

__all__ = ["LOCALES", "Rendered", "render"]

LOCALES: Final = ("en", "fr", "ar")
_FOLDER: Final = Path(__file__).parent / "templates"
_CUT: Final = "\n---\n"


@dataclass(frozen=True, slots=True)
class Rendered:
    """``subject`` is one line, and None where the channel has none; ``locale`` is the language that was found."""

    locale: str
    subject: str | None
    body: str


def render(template: str, channel: str, locale: str, variables: Mapping[str, Any]) -> Rendered:
    """Render in the language of ``locale`` ("fr-MA" reads French), in English where it is not spoken.

    Raises:
        MessageInvalidError: when there is no such template for the channel, or a variable is missing.
    """
    language = locale.replace("_", "-").split("-")[0].lower()
    spoken = language if language in LOCALES else LOCALES[0]
    try:
        text = _environment().get_template(f"{spoken}/{template}.{channel}.txt").render(variables)
    except TemplateNotFound as error:
        raise MessageInvalidError(f"There is no template {template!r} for {channel}.") from error
    except TemplateError as error:
        raise MessageInvalidError(f"The template {template!r} for {channel}: {error}") from error
    head, cut, rest = text.partition(_CUT)
    if not cut:
        return Rendered(spoken, None, text.strip())
    return Rendered(spoken, " ".join(head.split()), rest.strip() + "\n")


@lru_cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        autoescape=False,  # plain text
        keep_trailing_newline=False,
    )
    environment.filters["isolated"] = _isolated
    return environment


def _isolated(text: object) -> str:
    """Keep a name of another script from turning the sentence around it (Unicode's isolates)."""
    return f"\u2068{text}\u2069"

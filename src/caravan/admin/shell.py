"""The frame of every page: layout, navigation, form tokens, the tongue and its direction."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from starlette.responses import Response

from caravan import __version__
from caravan.admin import formats
from caravan.admin.assets import asset_url
from caravan.admin.cookies import Cookies
from caravan.core.http.context import current_request
from caravan.core.http.forms import FORM_FIELD, FormTokens
from caravan.core.http.pages import ConsolePages, PageSet
from caravan.core.principal import ANONYMOUS, Principal

__all__ = ["Shell"]

_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "ur", "yi"})


class Shell:
    """Draws the templates of every page set inside ``console/layout.html``."""

    def __init__(self, sets: Sequence[PageSet], tokens: FormTokens, cookies: Cookies) -> None:
        self._pages = ConsolePages(sets)
        self._tokens = tokens
        self._cookies = cookies
        self._environment = Environment(
            loader=PrefixLoader({one.name: FileSystemLoader(one.templates) for one in sets}),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            {
                "amount": formats.amount,
                "count": formats.count,
                "moment": formats.moment,
                "pretty": formats.pretty,
                "short": formats.short,
                "words": formats.words,
            }
        )
        self._environment.globals.update(
            {
                "asset": asset_url,
                "query": formats.query,
                "form_field": FORM_FIELD,
                "version": __version__,
                "NOTHING": formats.NOTHING,
            }
        )

    @property
    def pages(self) -> ConsolePages:
        """Every page of the navigation."""
        return self._pages

    def render(
        self, request: Request, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> Response:
        """Return the page; what it says is for its reader's eyes, so nothing keeps a copy."""
        response = HTMLResponse(status_code=status, headers={"Cache-Control": "no-store"})
        html = self._environment.get_template(template).render(**self._frame(request, response), **context)
        response.body = html.encode()
        response.headers["Content-Length"] = str(len(response.body))
        return response

    def _frame(self, request: Request, response: Response) -> dict[str, Any]:
        found = request.scope.get("state", {}).get("caller")
        caller = found if isinstance(found, Principal) else ANONYMOUS
        language = caller.locale.replace("_", "-").partition("-")[0].lower()
        issue: Callable[[], str] = partial(self._tokens.issue, request, response, secure=self._cookies.secure)
        known = current_request()
        return {
            "caller": caller,
            "direction": "rtl" if language in _RIGHT_TO_LEFT else "ltr",
            "form_token": issue,
            "navigation": self._pages.groups_for(caller) if caller.id is not None else [],
            "path": request.scope["path"],
            "request_id": known.request_id if known else "",
        }

"""``/``: a page for people who look whether the worker is there."""

from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse, Response

__all__ = ["LABEL", "front_page"]

LABEL: Final = "News Nexus Python Queuer 01"
"""What monitoring looked for in the page."""

_PAGE: Final = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{LABEL}</title>
</head>
<body>
<h1>{LABEL}</h1>
<p>Jobs: <a href="/deduper/jobs/list">/deduper/jobs/list</a>. Health: <a href="/deduper/health">/deduper/health</a>.</p>
</body>
</html>
"""


async def front_page(_request: Request) -> Response:
    """Show the service's name."""
    return HTMLResponse(_PAGE)

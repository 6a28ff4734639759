"""The page at the root, and the echo."""

import os
from typing import Final

from flask import Blueprint, Response, jsonify, request

__all__ = ["pages"]

LABEL: Final = "News Nexus Python Queuer 01"
PAGE: Final = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{LABEL}</title>
</head>
<body>
<h1>{LABEL}</h1>
<p>A stand-in for the formerly used deduper queue.</p>
<p>Start a job with GET /deduper/jobs.</p>
<p>See all jobs with GET /deduper/jobs/list.</p>
</body>
</html>
"""

pages = Blueprint("pages", __name__)


@pages.get("/")
def page() -> str:
    print(f"DOT_ENV_TEST_ARG: {os.environ.get('DOT_ENV_TEST_ARG')}")
    return PAGE


@pages.route("/test", methods=["GET", "POST"])
def echo() -> Response:
    """Give the JSON body back; whatever is false in Python comes back as ``{}``."""
    return jsonify(request.get_json() or {})

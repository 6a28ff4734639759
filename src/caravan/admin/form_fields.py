"""Fields of forms open to everybody: bounded, and without what no table can hold."""

from typing import Annotated

from fastapi import Form

from caravan.core.http.pages import NO_NUL

__all__ = ["Line", "Name", "Secret"]

Name = Annotated[str, Form(max_length=320, pattern=NO_NUL)]
"""An e-mail address or user name."""
Line = Annotated[str, Form(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Secret = Annotated[str, Form(max_length=1024)]
"""A password, code or token: hashed or compared, never stored as it came."""

"""Names in the addresses of pages."""

from typing import Annotated, TypeAlias

from fastapi import Path, Query

from caravan.core.http.pages import NO_NUL

__all__ = ["MigrationName", "PageNumber", "Wanted"]

MigrationName: TypeAlias = Annotated[str, Path(max_length=200, pattern=NO_NUL)]
Wanted: TypeAlias = Annotated[str, Query(max_length=400, pattern=NO_NUL)]
PageNumber: TypeAlias = Annotated[int, Query(ge=1, le=1_000_000)]

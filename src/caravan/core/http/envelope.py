"""The plan's envelope: what every answer of ``/api/v1`` looks like."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Answer", "Envelope", "ErrorAnswer", "Page", "Pagination", "envelope", "page"]

T = TypeVar("T")


class Answer(BaseModel):
    """Base of what goes over the wire: unknown input keys are refused, outputs have no defaults to hide behind."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Pagination(Answer):
    """``next`` is the cursor of the following page, null on the last one."""

    limit: int
    next: str | None


class Envelope(BaseModel, Generic[T]):
    success: Literal[True]
    data: T
    message: str | None
    errors: list[Any]
    pagination: Pagination | None


class Page(BaseModel, Generic[T]):
    success: Literal[True]
    data: list[T]
    message: str | None
    errors: list[Any]
    pagination: Pagination


class ErrorAnswer(BaseModel):
    success: Literal[False]
    error_code: str = Field(examples=["not_found"])
    message: str
    details: Any


def envelope(data: T, message: str | None = None) -> Envelope[T]:
    """Wrap one answer."""
    return Envelope(success=True, data=data, message=message, errors=[], pagination=None)


def page(data: list[T], *, limit: int, following: str | None) -> Page[T]:
    """Wrap one page of a list; ``following`` is the next page's cursor."""
    return Page(
        success=True, data=data, message=None, errors=[], pagination=Pagination(limit=limit, next=following)
    )

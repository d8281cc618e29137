"""Pages for what goes wrong: in the style of the house, and useful."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

RETRY_S = 30
"""When to come back while the database is away, in seconds."""


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """404."""
    return _page(
        request, 404, "There is nothing here", "The address is mistyped, or what it named is past its retention."
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """403."""
    return _page(request, 403, "This is not open to you", "An administrator can give you the right to see it.")


def failed(request: HttpRequest) -> HttpResponse:
    """500, or 503 where the database failed. Asks nothing of it."""
    if isinstance(sys.exception(), InterfaceError | OperationalError):
        return _unavailable(request)
    return _page(
        request,
        500,
        "Something broke",
        "Nothing was lost: what came in is stored before it is acknowledged. The server's log says more.",
    )


def _unavailable(request: HttpRequest) -> HttpResponse:
    page = _page(
        request,
        503,
        "The database does not answer",
        "Nothing was lost: what came in is stored before it is acknowledged. "
        "What you just sent was not stored; try again in a moment.",
    )
    page["Retry-After"] = str(RETRY_S)
    return page


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """403 for a form without its token."""
    return _page(request, 403, "The form was too old", "Go back, load the page again, and send the form once more.")


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "web/error.html", {"status": status, "title": title, "text": text}, status=status)

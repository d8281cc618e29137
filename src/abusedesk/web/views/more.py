"""On a phone: what has no place in the bar below."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def more(request: HttpRequest) -> HttpResponse:
    """Links to the other pages, the theme, and signing out."""
    return render(request, "web/more.html", {"here": "more"})

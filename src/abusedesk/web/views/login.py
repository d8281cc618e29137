"""Signing in and out, and nothing else of an account: staff are added by an administrator."""

from allauth.account.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

login = LoginView.as_view()
logout = LogoutView.as_view()


def closed(_request: HttpRequest) -> HttpResponse:
    """Where signing up would be: nobody does."""
    return redirect("account_login")


def inactive(request: HttpRequest) -> HttpResponse:
    """An account that an administrator closed."""
    return render(request, "account/inactive.html", status=403)

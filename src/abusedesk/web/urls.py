"""Addresses of the web interface. Every page but the login is for people who are signed in."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, path

from abusedesk.web.api.v1 import api
from abusedesk.web.views import (
    act,
    address,
    answer,
    brand,
    case,
    channel,
    customer,
    errors,
    file,
    holder,
    key,
    login,
    message,
    more,
    outbox,
    policy,
    publish,
    queue,
    reading,
    reporters_told,
    review,
    search,
    service,
    whatif,
)

handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.failed


def _staff(route: str, view: Callable[..., HttpResponse], name: str, **extra: Any) -> URLPattern:
    return path(route, login_required(view), name=name, **extra)


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("accounts/login/", login.login, name="account_login"),
    path("accounts/logout/", login.logout, name="account_logout"),
    path("accounts/signup/", login.closed, name="account_signup"),
    path("accounts/inactive/", login.inactive, name="account_inactive"),
    _staff("", queue.queue, "queue"),
    _staff("cases", queue.cases, "cases"),
    _staff("cases/<int:pk>", case.case, "case"),
    _staff("cases/<int:pk>/older", case.older, "older"),
    _staff("cases/<int:pk>/take", act.take, "take"),
    _staff("cases/<int:pk>/measures/<int:measure>/retry", act.retry_measure, "retry-measure"),
    _staff("cases/<int:pk>/notices/<int:effect>/retry", act.retry_notice, "retry-notice"),
    _staff("cases/<int:pk>/replies/<int:review>", answer.read, "read-reply"),
    _staff("cases/<int:pk>/<slug:name>", act.act, "act"),
    _staff("decisions/<int:pk>/why", case.why, "why"),
    _staff("reviews", review.reviews, "reviews"),
    _staff("reviews/<int:pk>", review.review, "review"),
    _staff("reviews/<int:pk>/close", review.close, "close-review"),
    _staff("customers", customer.customers, "customers"),
    _staff("customers/<int:pk>", customer.customer, "customer"),
    _staff("services/<int:pk>", service.service, "service"),
    _staff("who-had", holder.holder, "holder"),
    _staff("messages", message.messages, "messages"),
    _staff("messages/<uuid:pk>", message.message, "message"),
    _staff("messages/<uuid:pk>/payload", message.payload, "payload"),
    _staff("reading", reading.reading, "reading"),
    _staff("reading/again", reading.read_again, "read-again"),
    _staff("reading/rules/new", reading.new_rule, "new-reading-rule"),
    _staff("reading/rules/<int:pk>", reading.rule, "reading-rule"),
    _staff("reading/rules/<int:pk>/delete", reading.delete_rule, "delete-reading-rule"),
    _staff("reading/rules/<int:pk>/up", reading.move_rule, "move-reading-rule"),
    _staff("outbox", outbox.outbox, "outbox"),
    _staff("notices/<uuid:pk>", outbox.notice, "notice"),
    _staff("channels", channel.channels, "channels"),
    _staff("channels/new/<slug:name>", channel.new_channel, "new-channel"),
    _staff("channels/<int:pk>", channel.channel, "channel"),
    _staff("channels/<int:pk>/switch", channel.switch_channel, "switch-channel"),
    _staff("files", file.files, "files"),
    _staff("files/<int:pk>", file.file, "file"),
    _staff("files/<int:pk>/take", file.take, "take-file"),
    _staff("files/<int:pk>/enter", file.enter, "enter-file"),
    _staff("files/<int:pk>/due", file.due, "file-due"),
    _staff("files/<int:pk>/report", file.report, "file-report"),
    _staff("keys", key.keys, "keys"),
    _staff("keys/new", key.new_key, "new-key"),
    _staff("keys/<int:pk>/revoke", key.revoke_key, "revoke-key"),
    _staff("brands", brand.brands, "brands"),
    _staff("brands/<slug:slug>", brand.brand, "brand"),
    _staff("brands/<slug:slug>/addresses", address.addresses, "addresses"),
    _staff("brands/<slug:slug>/addresses/<int:pk>/remove", address.remove, "remove-address"),
    _staff("brands/<slug:slug>/stop", brand.stop, "stop"),
    _staff("brands/<slug:slug>/release", brand.release, "release"),
    _staff("brands/<slug:slug>/dry-run", brand.dry_run, "dry-run"),
    _staff("brands/<slug:slug>/reporters", reporters_told.told, "reporters-told"),
    _staff("policies", policy.policies, "policies"),
    _staff("policies/<slug:slug>", policy.policy_page, "policy"),
    _staff("policies/<slug:slug>/cited", policy.cited, "policy-cited"),
    _staff("policies/<slug:slug>/public", policy.public, "policy-public"),
    _staff("policies/<slug:slug>/pack.zip", policy.pack_zip, "policy-pack"),
    _staff("policies/<slug:slug>/publications", publish.publications, "publications"),
    _staff("policies/<slug:slug>/publications/<int:pk>", publish.publication, "publication"),
    _staff("policies/<slug:slug>/publications/<int:pk>/approve", publish.approve, "approve-policy"),
    _staff("policies/<slug:slug>/publications/<int:pk>/reject", publish.reject, "reject-policy"),
    _staff("policies/<slug:slug>/publications/<int:pk>/withdraw", publish.withdraw, "withdraw-policy"),
    _staff("policies/<slug:slug>/publications/<int:pk>/try", publish.try_out, "try-policy"),
    _staff("policies/<slug:slug>/publications/<int:pk>/pack.zip", publish.publication_zip, "publication-zip"),
    _staff("policies/<slug:slug>/what-if/<uuid:pk>/propose", publish.propose, "propose-policy"),
    _staff("policies/<slug:slug>/what-if", whatif.start, "what-if"),
    _staff("policies/<slug:slug>/what-if/<uuid:pk>", whatif.trial, "trial"),
    _staff("policies/<slug:slug>/what-if/<uuid:pk>/progress", whatif.progress, "trial-progress"),
    _staff("policies/<slug:slug>/what-if/<uuid:pk>/checks", whatif.checks, "trial-checks"),
    _staff("policies/<slug:slug>/what-if/<uuid:pk>/play", whatif.play, "trial-play"),
    _staff("policies/<slug:slug>/what-if/<uuid:pk>/delete", whatif.delete, "trial-delete"),
    _staff("policies/<slug:slug>/what-if/<uuid:pk>/pack.zip", whatif.trial_zip, "trial-zip"),
    _staff("search", search.search, "search"),
    _staff("more", more.more, "more"),
]

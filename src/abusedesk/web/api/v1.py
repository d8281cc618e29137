"""Version 1 of the API, put together. `/api/v1/openapi.json` describes it; docs/reference/api.md is made from that."""

from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from abusedesk.web.api import problem, reports, telemetry, upstream, verify
from abusedesk.web.api.problem import Refusal

api = NinjaAPI(
    title="abusedesk",
    version="1",
    description="Reports by machines, and what became of them; the provider's own sensors; upstreams; notices.",
    urls_namespace="api-1",
    docs_url=None,
)
api.add_router("", reports.router)
api.add_router("", telemetry.router)
api.add_router("", upstream.router)
api.add_router("", verify.router)


@api.exception_handler(Refusal)
def refused(request: HttpRequest, refusal: Any) -> HttpResponse:
    """A refusal of ours."""
    return problem.answer(request, refusal)


@api.exception_handler(Error)
def unavailable(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001 - what went wrong stays in the log
    """Nothing could be committed: whoever sent it keeps it."""
    said = Refusal(
        503, "unavailable", "it cannot be stored at the moment; send it again", headers={"Retry-After": "30"}
    )
    return problem.answer(request, said)

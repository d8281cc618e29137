"""The health of the desk, for whatever watches over processes: what runs, in one line, without a sign-in."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from abusedesk.desk.oncall.heartbeat import late


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - it answers everybody alike
    """200 where watch, deadlines and a worker ran within two minutes; else 503 with the names of those that did not."""
    missing = late(timezone.now())
    return JsonResponse({"status": "late" if missing else "ok", "late": missing}, status=503 if missing else 200)

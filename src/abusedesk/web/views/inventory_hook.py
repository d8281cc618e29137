"""Webhooks of inventories: a call that is signed right has its inventory compared soon. What it says is not believed.

The body may be anything: what changed is read from the inventory itself, so a call that is repeated does no harm.
"""

from django.core.exceptions import RequestDataTooBig
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from abusedesk.desk.inventory.driver import drivers
from abusedesk.records.models import Inventory


@csrf_exempt
@require_POST
def inventory_hook(request: HttpRequest, pk: int) -> JsonResponse:
    """202: it is compared within seconds. 403: not signed by its secret. 404: there is no such inventory."""
    one = Inventory.objects.filter(pk=pk, enabled=True, kind__in=drivers()).first()
    if one is None:
        return JsonResponse({"error": "there is no such inventory, or it is switched off"}, status=404)
    try:
        body = request.body
    except RequestDataTooBig:
        return JsonResponse({"error": "the body is too large"}, status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not one.hook_secret or not drivers()[one.kind].vouches(body, headers, one.hook_secret):
        return JsonResponse({"error": "the signature is not right for this body"}, status=403)
    # The first call of several sets the moment, so that a stream of them cannot put it off.
    Inventory.objects.filter(pk=pk).update(wanted_at=Coalesce("wanted_at", Value(timezone.now())))
    return JsonResponse({"compared": "soon"}, status=202)

"""Whether receivers can tell a brand's mail from a forged one: looked up in the DNS when the page is asked for."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from abusedesk.desk import alignment
from abusedesk.records.models import Brand


def mail_check(request: HttpRequest, slug: str) -> HttpResponse:
    """DKIM, SPF and DMARC of the sender's domain, in words."""
    brand = get_object_or_404(Brand, slug=slug)
    configuration = settings.CONFIGURATION
    remarks = alignment.look(brand, configuration.dkim, ask_dns=configuration.dns)
    return render(request, "web/mail_check.html", {"brand": brand, "remarks": remarks, "asks_dns": configuration.dns})

"""The rows of requests: a projection of the docket, which a migration makes of dockets that were there before."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection

from abusedesk.desk import requests
from abusedesk.desk.approvals import Answer, Voice
from abusedesk.desk.enact import docket_of, submit
from abusedesk.desk.requests import Asked
from abusedesk.policy.stimulus import Opened, Request
from abusedesk.records.models import CustomerRequest
from tests.desk.estate import NOW, Provider, provider, with_addresses

FIELDS = ("docket", "item", "kind", "ip", "cause", "state", "clauses", "at")


@pytest.fixture
def jim(db: None) -> Provider:
    return with_addresses(provider())


def stored() -> list[tuple[object, ...]]:
    return list(CustomerRequest.objects.order_by("item").values_list(*FIELDS))


def test_what_was_asked_before_there_were_rows_gets_them_from_the_docket(jim: Provider) -> None:
    docket_of(jim.another("vps-2", "198.51.100.0/28"))
    submit(docket_of(jim.service), Opened(), key="opened", at=NOW, by="ann")
    for number, kind in enumerate(("open_mail_port", "unblock", "replace_ip")):
        ip, cause = ("192.0.2.1", "provider") if number else ("", "")
        requests.enter(Asked(jim.service, kind, f"t{number}", ip=ip, cause=cause), "ann", NOW)
    said = Answer("approve", Voice("iris"), "yes")
    requests.decide_request(CustomerRequest.objects.get(item="t0"), said, "d", NOW + timedelta(hours=1))
    before = stored()
    assert [row[5] for row in before] == ["granted", "needs_approval", "granted"]
    CustomerRequest.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(import_module("abusedesk.records.migrations.0034_requests").FROM_DOCKETS)
    assert stored() == before
    assert not CustomerRequest.objects.filter(to_do=True).exists(), "whatever was granted then, staff did then"
    requests.decide_request(CustomerRequest.objects.get(item="t1"), said, "e", NOW + timedelta(hours=2))
    assert CustomerRequest.objects.get(item="t1").state == "granted"


def test_of_two_with_one_name_the_last_is_shown(jim: Provider) -> None:
    docket = docket_of(jim.service)
    submit(docket, Request("same", "replace_ip", "192.0.2.1", "own_use"), key="a", at=NOW)
    submit(docket, Request("same", "open_mail_port"), key="b", at=NOW + timedelta(hours=1))
    [row] = CustomerRequest.objects.all()
    assert (row.state, row.entered_by, row.words) == ("needs_approval", "", "")

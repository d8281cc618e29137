"""The reporters that a release brings: facts that hold together, loaded once, never over what an operator changed."""

import pytest

from abusedesk.desk.verify import registered_domain
from abusedesk.records.models import Reporter
from abusedesk.records.shipped import Shipped, load, shipped_reporters

CERT = Shipped("cert.example", "CERT", "CERT", known=True, domains=["cert.example"])


# --- the list -------------------------------------------------------------------------------------------------------


def test_the_list_names_each_reporter_domain_and_address_once() -> None:
    found = shipped_reporters().reporter
    names = [name for one in found for name in (*one.domains, *one.addresses)]
    assert len({one.key for one in found}) == len(found)
    assert len(set(names)) == len(names)


def test_no_domain_of_the_list_is_open_to_everybody() -> None:
    for one in shipped_reporters().reporter:
        assert one.domains or one.addresses
        assert all(registered_domain(domain) for domain in one.domains)
        assert not {"gmail.com", "hotmail.com", "yahoo.com", "outlook.com"} & set(one.domains)


# --- loading --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_reporter_of_the_list_is_made_once() -> None:
    assert load() == len(shipped_reporters().reporter)
    assert load() == 0
    assert Reporter.objects.get(key="shadowserver.org").known


@pytest.mark.django_db
def test_a_later_list_changes_what_nobody_here_changed() -> None:
    load([CERT])
    Reporter.objects.update(known=False, name="Our CERT")
    assert load([Shipped("cert.example", "CERT Example", "CERT", known=True, domains=["mail.cert.example"])]) == 1
    kept = Reporter.objects.get()
    assert (kept.known, kept.name, kept.domains) == (False, "Our CERT", ["mail.cert.example"])


@pytest.mark.django_db
def test_a_record_of_the_operators_own_is_left_alone() -> None:
    Reporter.objects.create(key="cert.example", domains=["other.example"])
    assert load([CERT]) == 0
    assert Reporter.objects.get().domains == ["other.example"]


@pytest.mark.django_db
def test_a_domain_that_another_record_claims_makes_no_second_record() -> None:
    Reporter.objects.create(key="ours", domains=["Cert.Example"])
    assert load([CERT]) == 0
    assert Reporter.objects.count() == 1

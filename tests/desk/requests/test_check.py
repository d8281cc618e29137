"""Looking a domain up: a real name server, what it says in words, and nobody kept waiting by a silent one."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from abusedesk.desk.requests import Asked, ask_again, check, check_next, enter, findings_of, gather
from abusedesk.desk.requests.check import NO_DNS, look
from abusedesk.records.models import CustomerRequest
from abusedesk.vocabulary.finding import worst
from tests.desk.estate import NOW, Provider, provider, with_addresses
from tests.desk.nameserver import Zone, serving

IP = "192.0.2.5"
DOMAIN = "shop.example.net"


def key_record(bits: int) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    data = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    return f'"v=DKIM1; k=rsa; p={data[:200]}" "{data[200:]}"'


@pytest.fixture(scope="module")
def good() -> Zone:
    return {
        ("5.2.0.192.in-addr.arpa", "PTR"): ["mail.example.net."],
        ("mail.example.net", "A"): [IP],
        (DOMAIN, "TXT"): ['"site-check=1"', '"v=spf1 include:spf.example.net -all"'],
        ("spf.example.net", "TXT"): ['"v=spf1 ip4:192.0.2.0/28 -all"'],
        (f"s1._domainkey.{DOMAIN}", "TXT"): [key_record(2048)],
        ("_dmarc.example.net", "TXT"): ['"v=DMARC1; p=reject; sp=quarantine"'],
        (DOMAIN, "MX"): ["10 mail.example.net."],
    }


@pytest.fixture
def scali(db: None) -> Provider:
    return with_addresses(provider("scali", "scalibit", in_force_from=NOW - timedelta(days=100)))


def asked(one: Provider, **more: str) -> CustomerRequest:
    about = {"domain": DOMAIN, "selector": "s1", "ip": IP} | more
    return enter(Asked(one.service, "open_mail_port", "t1", **about), "ann", NOW)


def told(request: CustomerRequest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in look(request, NOW, ask_dns=True):
        found.setdefault(one.about, []).append(f"{one.state}: {one.says}")
    return found


def test_a_good_domain_is_found_good(scali: Provider, good: Zone) -> None:
    with serving(good):
        found = told(asked(scali))
    assert found == {
        "rdns": [f"ok: {IP} is mail.example.net, and back"],
        "spf": ["ok: its SPF record ends in -all", f"ok: SPF passes for {IP}"],
        "dkim": ["ok: the DKIM key s1 has 2048 bits"],
        "dmarc": ["ok: DMARC asks receivers to quarantine what fails (the record of example.net)"],
        "mx": ["ok: mail to it is taken by mail.example.net"],
    }


def test_what_is_wrong_is_said(scali: Provider, good: Zone) -> None:
    bad = good | {
        ("5.2.0.192.in-addr.arpa", "PTR"): ["192-0-2-5.example.net."],
        ("192-0-2-5.example.net", "A"): [IP],
        (DOMAIN, "TXT"): ['"v=spf1 ip4:198.51.100.1 redirect=spf.example.net"'],
        ("spf.example.net", "TXT"): ['"v=spf1 ?all"'],
        (f"s1._domainkey.{DOMAIN}", "TXT"): ['"v=DKIM1; p="'],
        (f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=maybe"'],
        (DOMAIN, "MX"): ["0 ."],
    }
    with serving(bad):
        found = told(asked(scali))
    assert {line.partition(":")[0] for lines in found.values() for line in lines} == {"wrong"}
    assert "SPF says neutral" in found["spf"][1]


def test_a_record_that_never_ends_is_not_followed_for_ever(scali: Provider) -> None:
    chain: Zone = {(f"a{n}.example.net", "TXT"): [f'"v=spf1 include:a{n + 1}.example.net -all"'] for n in range(40)}
    with serving(chain) as server:
        found = told(asked(scali, domain="a0.example.net"))
    assert any("cannot be evaluated" in line for line in found["spf"])
    assert len([kind for name, kind in server.asked if name.startswith("a") and kind == "TXT"]) < 15


def test_a_silent_resolver_leaves_all_unknown_in_time(scali: Provider, monkeypatch: Any) -> None:
    monkeypatch.setattr(gather, "TOTAL_S", 0.3)
    with serving({}, silent=True):
        findings = look(asked(scali), NOW, ask_dns=True)
    assert worst(findings) == "unknown"
    assert {one.state for one in findings} == {"unknown"}


def test_without_an_address_named_the_first_of_the_service_are_looked_at(scali: Provider, good: Zone) -> None:
    with serving(good):
        found = told(asked(scali, ip=""))
    assert len([line for line in found["rdns"] if "has no reverse name" in line]) == check.ADDRESSES - 1
    assert "8 further addresses were not looked at" in found["rdns"][0]


def test_an_installation_that_asks_no_dns_says_so(scali: Provider) -> None:
    assert {one.says for one in look(asked(scali), NOW, ask_dns=False)} == {NO_DNS}


@pytest.mark.parametrize("domain", ["shop.local", "no domain"])
def test_what_is_no_public_name_is_asked_of_nobody(scali: Provider, domain: str) -> None:
    with serving({}) as server:
        found = look(asked(scali, domain=domain), NOW, ask_dns=True)
    assert (worst(found), server.asked) == ("unknown", [])


def test_the_worker_keeps_what_it_found_beside_the_request(scali: Provider, good: Zone, settings: Any) -> None:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, dns=True)
    request = asked(scali)
    assert findings_of(request) == []
    with serving(good):
        assert (check_next(NOW), check_next(NOW)) == (1, 0)
    request.refresh_from_db()
    assert (request.check_at, request.checked_at, len(findings_of(request))) == (None, NOW, 6)
    assert not ask_again(request, NOW + timedelta(seconds=30))
    assert ask_again(request, NOW + timedelta(seconds=30), selector="s2")
    request.refresh_from_db()
    assert request.selector == "s2"
    assert not ask_again(request, NOW + timedelta(minutes=5)), "it waits to be asked already"


def test_a_check_that_a_worker_did_not_end_is_made_again(scali: Provider, good: Zone) -> None:
    request = asked(scali)
    with serving(good):
        assert check._claim(NOW) is not None
        assert check_next(NOW + timedelta(seconds=30)) == 0
        assert check_next(NOW + check.LEASE) == 1
    request.refresh_from_db()
    assert request.check_at is None

"""Whether receivers can tell a brand's mail from a forged one, asked of a name server on loopback."""

from pathlib import Path

import pytest
from django.test import Client

from abusedesk.actuators import signature
from abusedesk.desk import alignment
from abusedesk.desk.alignment import Remark
from tests.desk.nameserver import Zone, serving
from tests.desk.rows import NOW, Desk, desk

pytestmark = pytest.mark.django_db

GOOD: Zone = {
    ("acme.example", "TXT"): ['"v=spf1 mx -all"'],
    ("_dmarc.acme.example", "TXT"): ['"v=DMARC1; p=reject"'],
}


@pytest.fixture
def acme() -> Desk:
    return desk()


def looked_at(of: Desk, folder: Path, zone: Zone) -> dict[str, Remark]:
    with serving(zone):
        return {one.subject: one for one in alignment.look(of.brand, folder, ask_dns=True)}


def published(record: str) -> str:
    """A text record, in strings of at most 255 letters."""
    return " ".join(f'"{record[at : at + 200]}"' for at in range(0, len(record), 200))


def test_all_is_well_where_the_dns_has_our_key(acme: Desk, tmp_path: Path) -> None:
    key = signature.make("acme.example", tmp_path, NOW)
    zone = GOOD | {(key.name, "TXT"): [published(signature.record(key))]}
    assert {one.state for one in looked_at(acme, tmp_path, zone).values()} == {"ok"}


def test_a_key_that_the_dns_has_not_or_has_otherwise_breaks_every_signature(acme: Desk, tmp_path: Path) -> None:
    key = signature.make("acme.example", tmp_path, NOW)
    absent = looked_at(acme, tmp_path, GOOD)["dkim"]
    assert (absent.state, signature.record(key) in absent.text) == ("wrong", True)
    other = looked_at(acme, tmp_path, GOOD | {(key.name, "TXT"): ['"v=DKIM1; p=AAAA"']})["dkim"]
    assert other.state == "wrong"
    assert "has another key" in other.text


def test_what_is_missing_is_said_with_what_to_do(acme: Desk, tmp_path: Path) -> None:
    found = looked_at(acme, tmp_path, {})
    assert {name: one.state for name, one in found.items()} == {"dkim": "note", "spf": "wrong", "dmarc": "wrong"}
    for name, do in (("dkim", "abusedesk dkim new acme.example"), ("spf", "v=spf1"), ("dmarc", "_dmarc.acme.example")):
        assert do in found[name].text


def test_a_policy_that_asks_for_nothing_is_named(acme: Desk, tmp_path: Path) -> None:
    weak = looked_at(acme, tmp_path, GOOD | {("_dmarc.acme.example", "TXT"): ['"v=DMARC1; p=none"']})["dmarc"]
    assert (weak.state, "p=none" in weak.text) == ("note", True)


def test_the_brands_page_leads_there(client: Client, acme: Desk, admin_user: object) -> None:
    client.force_login(admin_user)  # type: ignore[arg-type]
    assert "/brands/acme/mail" in client.get("/brands/acme").content.decode()
    with serving(GOOD):
        page = client.get("/brands/acme/mail").content.decode()
    assert "acme.example asks receivers to reject what fails" in page or "asks no DNS" in page

"""The few words of a notice that stand in no template: the same in every language that a notice may have."""

import re
from dataclasses import asdict

import pytest

from abusedesk.desk.decide import pack_of
from abusedesk.desk.perform.words import ENGLISH, LANGUAGES, clauses_of, values_of
from abusedesk.policy.pack import find_pack, pack_files, pack_from
from abusedesk.records.models import Case, Decision, DeclaredName, Effect, Reporter, Service
from abusedesk.vocabulary.measure import MEASURES
from tests.desk.estate import LONG_AGO, known_reporter, provider, signed_complaint, take, with_addresses
from tests.desk.test_names import HOST, phishing, to_jim


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_measure_has_a_word(language: str) -> None:
    assert set(LANGUAGES[language].measures) == set(MEASURES)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_each_phrase_is_said_in_the_language_with_the_same_places(language: str) -> None:
    ours, english = asdict(LANGUAGES[language]), asdict(ENGLISH)
    for name in ("measures", "modes", "on", "none", "events", "sites"):
        assert _places(ours[name]) == _places(english[name]), name
    assert ours["measures"].keys() == english["measures"].keys()
    assert not set(ours["measures"].values()) & set(english["measures"].values())


def _places(phrase: object) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", str(phrase)))


@pytest.mark.django_db
@pytest.mark.parametrize(("shared", "named"), [(True, True), (False, False)])
def test_a_notice_about_a_server_with_many_sites_names_the_site(shared: bool, named: bool) -> None:
    jim = with_addresses(provider())
    Service.objects.filter(pk=jim.service.pk).update(shared=shared)
    take(to_jim(phishing("192.0.2.1", url="http://shop.example.net/login")))
    case = Case.objects.get()
    effect = Effect.objects.filter(kind="notice").get()
    told = values_of(effect, case, pack_of(jim.brand), "en", "")["complaint"]
    assert ("what is complained about: shop[.]example[.]net/login" in told) is named


@pytest.mark.django_db
def test_a_notice_about_a_name_names_it() -> None:
    jim = with_addresses(provider())
    DeclaredName.objects.create(service=jim.service, name=HOST, period=(LONG_AGO, None))
    take(to_jim(phishing(HOST)))
    effect = Effect.objects.filter(kind="notice").get()
    told = values_of(effect, Case.objects.get(), pack_of(jim.brand), "en", "")["complaint"]
    assert f"what is complained about: {HOST.replace('.', '[.]')}/login" in told


def test_clauses_are_cited_by_the_titles_of_the_version_that_decided() -> None:
    files = pack_files(find_pack("docs/how-to/example-pack"))
    dated = b"    titles: {2026-01-01: Fee, 2026-07-01: Charge}\n"
    pack = pack_from({**files, "pack.yaml": files["pack.yaml"].replace(b"    title: Fee\n", dated)})
    told = [clauses_of(["nordlicht:4"], pack, Decision(pack_version=one)) for one in ("2026-01", "2026-07")]
    assert told == ["nordlicht:4 Fee", "nordlicht:4 Charge"]


SUBJECT = "CERT Example: spam from info@shop.example.com to trap@traps.example.net, see http://cert.example/7"


def _told(**settings: object) -> str:
    """What the notice passes on of a mail whose subject names everybody."""
    jim = with_addresses(provider(settings=settings))
    DeclaredName.objects.create(service=jim.service, name="shop.example.com", period=(LONG_AGO, None))
    Reporter.objects.create(
        key="reports@cert.example", name="Jo Roe", organisation="CERT Example", domains=["cert.example"]
    )
    take(
        f"From: reports@cert.example\r\nTo: abuse@jim.example.org\r\nSubject: {SUBJECT}\r\n"
        "Date: Mon, 2 Mar 2026 11:00:00 +0000\r\nMessage-ID: <1@cert.example>\r\n\r\n"
        "Your address 192.0.2.1 sent spam, last at 2026-03-02 10:30 UTC.\r\n".encode()
    )
    effect = Effect.objects.filter(kind="notice").get()
    return values_of(effect, Case.objects.get(), pack_of(jim.brand), "en", "")["complaint"]


@pytest.mark.django_db
def test_a_notice_names_neither_who_reports_nor_a_trap_and_has_no_link() -> None:
    told = _told()
    assert "[hidden]: spam from info@shop.example.com to [hidden], see hxxp://[hidden]/7" in told


@pytest.mark.django_db
def test_a_brand_may_say_who_reported_and_still_nothing_is_a_link() -> None:
    told = _told(show_identities=True)
    assert "CERT Example: spam" in told
    assert "trap@" in told
    assert "hxxp://cert[.]example/7" in told


@pytest.mark.django_db
def test_a_notice_says_the_points_as_of_its_decision_and_the_clauses_in_their_own_words() -> None:
    jim = with_addresses(provider(pack="docs/how-to/example-pack"))
    known_reporter("isp.example.net")
    take(signed_complaint("isp.example.net"))
    warned = Effect.objects.get(kind="notice", payload__template="warning")
    values = values_of(warned, Case.objects.get(), pack_of(jim.brand), "en", "")
    assert values["points"] == "1"
    assert values["clause_texts"] == "nordlicht:2: Whoever has no points is warned first. A warning costs nothing."

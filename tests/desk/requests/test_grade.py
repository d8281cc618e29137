"""Findings about a domain's mail set-up: each state has its words, and whatever was found, nothing breaks."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abusedesk.desk.requests.facts import Gathered, Key, Pointed, Records
from abusedesk.desk.requests.gather import key_of
from abusedesk.desk.requests.grade import grade, is_generic
from abusedesk.vocabulary.finding import SUBJECTS, Finding, worst

IP = "192.0.2.25"
GOOD = Gathered(
    domain="example.org",
    addresses=(Pointed(IP, ("mail.example.org",), ("mail.example.org",), "pass"),),
    further=0,
    spf=("v=spf1 ip4:192.0.2.25 -all",),
    spf_end=("v=spf1 ip4:192.0.2.25 -all",),
    selector="s1",
    keys=(Key("s1", "v=DKIM1; p=x", "rsa", 2048),),
    dmarc=("v=DMARC1; p=reject",),
    dmarc_at="example.org",
    mx=("10 mail.example.org.",),
)


def found(about: str, **changed: object) -> list[Finding]:
    return [one for one in grade(GOOD._replace(**changed)) if one.about == about]


def test_a_good_domain_is_good_in_all() -> None:
    findings = grade(GOOD)
    assert {one.state for one in findings} == {"ok"}
    assert {one.about for one in findings} == set(SUBJECTS)


@pytest.mark.parametrize(
    ("address", "state", "says"),
    [
        (Pointed(IP, ()), "wrong", "has no reverse name"),
        (Pointed(IP, None), "unknown", "did not answer"),
        (Pointed(IP, ("mail.example.org",), ()), "wrong", "does not lead back"),
        (Pointed(IP, ("mail.example.org",), None), "unknown", "did not say"),
        (Pointed(IP, ("ip-192-0-2-25.example.net",), ("ip-192-0-2-25.example.net",)), "wrong", "made of the address"),
    ],
)
def test_a_reverse_name_must_lead_back_and_be_a_name(address: Pointed, state: str, says: str) -> None:
    [one] = found("rdns", addresses=(address,))
    assert one.state == state
    assert says in one.says
    assert one.do


@pytest.mark.parametrize(
    ("name", "ip", "generic"),
    [
        ("192.0.2.25.static.example.net", IP, True),
        ("25-2-0-192.example.net", IP, True),
        ("host192000002025.example.net", IP, True),
        ("c0000219.example.net", IP, True),
        ("dsl7.pool.example.net", IP, True),
        ("mail25.example.net", IP, False),
        ("mx-192.example.net", IP, False),
        ("apples.example.net", IP, False),
        ("2001-db8-1--25.example.net", "2001:db8:1::25", True),
        ("mail.example.net", "2001:db8:1::25", False),
    ],
)
def test_a_name_made_of_its_address_is_told_from_a_name(name: str, ip: str, generic: bool) -> None:
    assert is_generic(name, ip) == generic


@pytest.mark.parametrize(
    ("spf", "end", "state"),
    [
        (None, None, "unknown"),
        ((), (), "wrong"),
        (("v=spf1 -all", "v=spf1 ~all"), ("v=spf1 -all",), "wrong"),
        (("v=spf1 mx ~all",), ("v=spf1 mx ~all",), "ok"),
        (("v=spf1 mx ?all",), ("v=spf1 mx ?all",), "wrong"),
        (("v=spf1 +all",), ("v=spf1 +all",), "wrong"),
        (("v=spf1 mx",), ("v=spf1 mx",), "wrong"),
        (("v=spf1 redirect=a.example.org",), ("v=spf1 mx -all",), "ok"),
        (("v=spf1 redirect=a.example.org",), None, "unknown"),
    ],
)
def test_spf_is_one_record_that_ends_in_a_no(spf: Records, end: Records, state: str) -> None:
    assert found("spf", spf=spf, spf_end=end)[0].state == state


@pytest.mark.parametrize(
    ("result", "state"),
    [("pass", "ok"), ("fail", "wrong"), ("softfail", "wrong"), ("permerror", "wrong"), ("temperror", "unknown")],
)
def test_spf_passes_for_the_addresses(result: str, state: str) -> None:
    assert found("spf", addresses=(Pointed(IP, ("m.example.org",), ("m.example.org",), result),))[1].state == state


@pytest.mark.parametrize(
    ("selector", "keys", "state"),
    [
        ("s1", (Key("s1", ""),), "wrong"),
        ("", (Key("s1", ""), Key("mail", "")), "unknown"),
        ("s1", (Key("s1", None),), "unknown"),
        ("", (Key("s1", ""), Key("mail", "v=DKIM1; p=x", "rsa", 1024)), "ok"),
        ("s1", (Key("s1", "v=DKIM1; p=x", "rsa", 768),), "wrong"),
        ("s1", (Key("s1", "v=DKIM1; p=", "rsa", problem="is revoked"),), "wrong"),
    ],
)
def test_a_dkim_key_is_there_and_long_enough(selector: str, keys: tuple[Key, ...], state: str) -> None:
    [one] = found("dkim", selector=selector, keys=keys)
    assert one.state == state


@pytest.mark.parametrize(
    ("dmarc", "at", "state"),
    [
        (None, "example.org", "unknown"),
        ((), "example.org", "wrong"),
        (("v=DMARC1; p=none",), "example.org", "ok"),
        (("v=DMARC1; rua=mailto:d@example.org",), "example.org", "wrong"),
        (("v=DMARC1; p=reject", "v=DMARC1; p=none"), "example.org", "wrong"),
        (("v=DMARC1; p=reject; sp=oops",), "org.example", "wrong"),
    ],
)
def test_dmarc_names_a_policy(dmarc: Records, at: str, state: str) -> None:
    assert found("dmarc", dmarc=dmarc, dmarc_at=at)[0].state == state


@pytest.mark.parametrize(("mx", "state"), [(None, "unknown"), ((), "wrong"), (("0 .",), "wrong"), (("5 m.",), "ok")])
def test_somebody_takes_what_comes_back(mx: Records, state: str) -> None:
    assert found("mx", mx=mx)[0].state == state


def test_no_address_is_unknown_and_says_what_to_do() -> None:
    [one] = found("rdns", addresses=())
    assert (one.state, bool(one.do)) == ("unknown", True)


WORD = st.text("pv=DMARC1;spfk- .:+~?alrd0", max_size=30)
TEXTS = st.none() | st.lists(WORD, max_size=3).map(tuple)
ADDRESSES = st.lists(
    st.builds(
        Pointed, st.sampled_from([IP, "2001:db8::1"]), TEXTS, TEXTS, st.sampled_from(["", "pass", "none", "temperror"])
    ),
    max_size=3,
).map(tuple)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.builds(
    Gathered, st.just("example.org"), ADDRESSES, st.integers(0, 9), TEXTS, TEXTS, WORD,
    st.lists(WORD.map(lambda text: key_of("s1", text)), max_size=3).map(tuple), TEXTS,
    st.just("example.org"), TEXTS,
))  # fmt: skip
def test_whatever_strangers_wrote_is_judged_in_words(gathered: Gathered) -> None:
    findings = grade(gathered)
    assert {one.about for one in findings} == set(SUBJECTS)
    assert all(one.says and (one.state == "ok" or one.do) for one in findings)
    assert worst(findings) in {"ok", "wrong", "unknown"}

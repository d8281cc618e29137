"""IODEF documents: whose addresses count, and what a hostile document cannot do."""

import pytest

from abusedesk.parsing.read import read


def document(systems: str, rest: str = "") -> bytes:
    return (
        '<?xml version="1.0"?><IODEF-Document version="2.00" xmlns="urn:ietf:params:xml:ns:iodef-2.0">'
        f'<Incident purpose="reporting"><IncidentID name="example.net">1</IncidentID>{rest}'
        f"<EventData><Flow>{systems}</Flow></EventData></Incident></IODEF-Document>"
    ).encode()


def system(category: str, address: str) -> str:
    return f'<System category="{category}"><Node><Address category="ipv4-addr">{address}</Address></Node></System>'


def test_targets_sensors_and_relays_are_no_sources() -> None:
    data = document(system("target", "192.0.2.1") + system("source", "198.51.100.9") + system("sensor", "203.0.113.1"))
    assert [event.source for event in read(data).events] == ["198.51.100.9"]


def test_without_a_source_a_person_decides() -> None:
    reading = read(document(system("target", "192.0.2.1")))
    assert (reading.outcome, reading.format) == ("needs_review", "iodef")


@pytest.mark.parametrize(
    ("impact", "category"),
    [
        ('<Impact type="dos"/>', "connection/ddos"),
        ('<SystemImpact type="takeover-system"/>', "infrastructure/compromised_server"),
        ('<Impact type="unheard-of"/>', "other/unclassified"),
        ("<Description>a phishing page</Description>", "content/phishing"),
    ],
)
def test_the_impact_or_the_words_say_what_it_was(impact: str, category: str) -> None:
    data = document(system("source", "198.51.100.9"), f"<Assessment>{impact}</Assessment>")
    assert [event.category for event in read(data).events] == [category]


def test_the_time_of_the_attack_goes_before_that_of_the_document() -> None:
    times = "<GenerationTime>2026-03-04T00:00:00Z</GenerationTime><DetectTime>2026-03-03T10:00:00+01:00</DetectTime>"
    (event,) = read(document(system("source", "198.51.100.9"), times)).events
    assert str(event.occurred_at) == "2026-03-03 09:00:00+00:00"


def test_entities_stay_as_they_are() -> None:
    data = document(system("source", "&a;")).replace(b"<IODEF", b'<!DOCTYPE x [<!ENTITY a "198.51.100.1">]><IODEF', 1)
    assert read(data).outcome == "needs_review"


def test_a_document_cut_in_the_middle_is_read_as_far_as_it_goes() -> None:
    data = document(system("source", "198.51.100.9") + system("target", "192.0.2.1"))
    assert [event.source for event in read(data[: data.index(b"192.0.2.1")]).events] == ["198.51.100.9"]

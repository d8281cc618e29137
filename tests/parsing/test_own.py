"""Operators' own rules: whom they are for, and what they find in tables and in labelled lines."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing.own import OwnRule, applies, faults, read_by

MAIL = """\
From: Monitor <alerts@sensors.example.net>
To: abuse@provider.example
Subject: [Monitor] Incident 4711 on your network
Date: Mon, 02 Mar 2026 10:00:00 +0000
Content-Type: text/plain; charset=utf-8

{body}
"""

RULE = OwnRule(
    "monitor",
    "reports",
    sender="sensors.example.net",
    subject="incident * network",
    category="connection/login_attack",
    columns={"source": "Offender", "occurred_at": "When", "target_port": "Port", "count": "Hits", "category": "Kind"},
    categories={"scan": "connection/port_scan"},
)


def mail(body: str) -> bytes:
    return MAIL.format(body=body).encode()


def test_labels_before_values_are_read() -> None:
    reading = read_by(
        [RULE], mail("Offender: 192[.]0[.]2[.]7\nWhen: 2026-03-02 09:30:00 +0000\nPort: 22/tcp\nHits: 12")
    )

    assert reading is not None
    assert (reading.outcome, reading.format, reading.reporter) == (
        "reported",
        "own: monitor",
        "alerts@sensors.example.net",
    )
    (event,) = reading.events
    assert (event.source, event.category, event.target_port, event.count) == (
        "192.0.2.7", "connection/login_attack", 22, 12,
    )  # fmt: skip
    assert event.occurred_at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def test_a_label_that_comes_again_begins_the_next_record_and_what_is_said_once_holds_for_all() -> None:
    reading = read_by([RULE], mail("Kind: scan\nOffender: 192.0.2.7\nPort: 22\nOffender: 192.0.2.8\nPort: 23"))

    assert reading is not None
    assert [(one.source, one.target_port, one.category) for one in reading.events] == [
        ("192.0.2.7", 22, "connection/port_scan"),
        ("192.0.2.8", 23, "connection/port_scan"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_read_by_the_names_of_its_columns(delimiter: str) -> None:
    rows = [["Kind", "Offender", "When"], ["scan", "192.0.2.7", "2026-03-02T09:30:00Z"], ["brute", "2001:db8::1", ""]]
    reading = read_by([RULE], mail("\n".join(delimiter.join(row) for row in rows)))

    assert reading is not None
    assert [(one.source, one.category) for one in reading.events] == [
        ("192.0.2.7", "connection/port_scan"),
        ("2001:db8::1", "connection/login_attack"),
    ]


def test_what_a_rule_calls_noise_is_no_report() -> None:
    reading = read_by([OwnRule("digest", "noise", sender="sensors.example.net")], mail("Offender: 192.0.2.7"))

    assert reading is not None
    assert (reading.outcome, reading.reason) == ("not_a_report", "the rule 'digest' says so")


def test_a_rule_that_finds_nothing_leaves_the_message_to_others() -> None:
    assert read_by([RULE], mail("Nothing of the kind stands here.")) is None


def test_the_first_rule_that_finds_something_is_the_one() -> None:
    other = OwnRule("other", "reports", sender="sensors.example.net", columns={"source": "Victim"})

    reading = read_by([other, RULE], mail("Offender: 192.0.2.7"))

    assert reading is not None
    assert reading.format == "own: monitor"


@pytest.mark.parametrize(
    ("sender", "subject", "is_for"),
    [
        ("a@sensors.example.net", "Incident 1 on your network", True),
        ("a@north.sensors.example.net", "INCIDENT on the NETWORK", True),
        ("a@evilsensors.example.net", "Incident 1 on your network", False),
        ("a@sensors.example.net", "network incident", False),
        ("a@sensors.example.net", "", False),
        (None, "Incident 1 on your network", False),
    ],
)
def test_a_rule_is_for_a_sender_and_a_subject(sender: str | None, subject: str, *, is_for: bool) -> None:
    assert applies(RULE, sender, subject) is is_for


def test_a_rule_for_everything_is_refused() -> None:
    assert "sender" in faults(OwnRule("all", "noise"))


def test_a_rule_of_reports_names_its_source_and_true_categories() -> None:
    found = faults(OwnRule("x", "reports", sender="example.net", category="connection/wrong"))

    assert found == {
        "source": "Name the column or label that holds the address complained of.",
        "category": "'connection/wrong' is no category.",
    }
    assert faults(RULE) == {}


@given(st.binary(max_size=600), st.sampled_from([RULE, OwnRule("any", "reports", subject="", sender="")]))
def test_no_bytes_make_a_rule_raise(data: bytes, rule: OwnRule) -> None:
    any_rule = OwnRule("any", "reports", columns={"source": "a", "category": "b"})

    read_by([rule if rule.columns else any_rule], data)

"""Reports handed over by a program: cut apart byte for byte, and each flaw at its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing import claims

WELL = {
    "xarf_version": "4.2.0", "report_id": "5a2c1f2e-4c1d-4a52-9c0a-8d0f8d2a0001", "timestamp": "2026-03-02T12:00:00Z",
    "reporter": {"org": "Example", "contact": "a@example.net", "domain": "example.net"},
    "sender": {"org": "Example", "contact": "a@example.net", "domain": "example.net"},
    "source_identifier": "192.0.2.1", "source_port": 40123, "category": "connection", "type": "port_scan",
    "protocol": "tcp", "first_seen": "2026-03-02T12:00:00Z",
}  # fmt: skip
OLD = {
    "Version": "3",
    "ReporterInfo": {"ReporterOrg": "Example"},
    "Report": {"ReportClass": "Activity", "ReportType": "PortScan", "Date": "2026-03-02", "SourceIp": "192.0.2.1"},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*WELL, *OLD]), inner, max_size=5),
)


def places(value: object) -> list[str]:
    return [one.pointer for one in claims.flaws(claims.split(json.dumps(value).encode(), 1000))]


def without(value: dict[str, object], name: str) -> dict[str, object]:
    return {key: one for key, one in value.items() if key != name}


def inner(**changed: object) -> dict[str, object]:
    return {**OLD, "Report": {**OLD["Report"], **changed}}  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [WELL, OLD, [WELL, OLD]])
def test_what_is_well_made_has_no_flaw(value: object) -> None:
    assert places(value) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (without(WELL, "timestamp"), ["/timestamp"]),
        ({**WELL, "timestamp": "yesterday"}, ["/timestamp"]),
        ({**WELL, "reporter": {"org": 3, "contact": "", "domain": ""}}, ["/reporter/org"]),
        ({**WELL, "source_port": "22"}, ["/source_port"]),
        (without(without(WELL, "protocol"), "first_seen"), ["/protocol", "/first_seen"]),
        ([WELL, without(WELL, "category")], ["/1/category"]),
        (without(OLD, "Report"), ["/Report"]),
        (inner(Date="never"), ["/Report/Date"]),
        (inner(SourcePort=70000), ["/Report/SourcePort"]),
        (inner(ReportType="PotentiallyCompromisedAccount"), ["/Report/Account"]),
        ({"a": 1}, [""]),
    ],
)
def test_a_flaw_has_its_place(value: object, expected: list[str]) -> None:
    assert places(value) == expected


@given(
    st.lists(st.sampled_from([b'{"a": 1}', b'{ "b":[1, "]"]}', b"3"]), min_size=1),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_a_list_is_cut_apart_byte_for_byte(items: list[bytes], mark: bytes) -> None:
    assert claims.split(mark + b"[" + b" ,\n".join(items) + b"]", 1000).items == tuple(items)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_is_answered_with_flaws_or_refused(body: bytes) -> None:
    try:
        sent = claims.split(body, 100)
    except claims.Unreadable:
        return
    assert claims.flaws(sent)

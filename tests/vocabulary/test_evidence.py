"""Evidence: what each ground is worth, and what holds for every combination of them."""

from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.assurance import RANK
from abusedesk.vocabulary.evidence import (
    DOUBTED_FROM,
    Evidence,
    Marks,
    Signature,
    corroboration,
    grade,
    ground_of,
    independent,
    marks_of,
    record_doubt,
)

WORDS = st.sampled_from(["", "example.net", "Example"])
EVIDENCE = st.builds(
    Evidence,
    reporter=st.just("CERT Example"),
    organisation=WORDS,
    known=st.booleans(),
    muted=st.booleans(),
    api_key=st.booleans(),
    feed=WORDS,
    signed_by=WORDS,
    forwarded_by=WORDS,
    forwarded_for=WORDS,
    key=WORDS,
    sensor=WORDS,
    listing=WORDS,
    is_listing=st.booleans(),
    dkim=st.lists(st.builds(Signature, WORDS, WORDS, st.sampled_from(["holds", "does not hold"])), max_size=3).map(
        tuple
    ),
    spf=st.sampled_from(["", "pass", "fail", "softfail", "none"]),
    spf_domain=WORDS,
    time_doubt=st.sampled_from(["", "it names no time"]),
    record_doubt=st.sampled_from(["", "staff rejected 9 of 9 reports"]),
)
PROOFS = {
    "known": True, "api_key": True, "feed": "cert", "signed_by": "example.net", "forwarded_by": "mx.example.net",
    "forwarded_for": "example.net", "key": "OpenPGP key 1", "sensor": "s1", "listing": "bl.example.net", "spf": "pass",
}  # fmt: skip
DOUBTS = {"muted": True, "time_doubt": "it names no time", "record_doubt": "staff rejected 9 of 9 reports"}
MARKS = st.builds(Marks, WORDS, WORDS, WORDS, WORDS)


def rank(evidence: Evidence) -> int:
    return RANK[grade(evidence)[0]]


# --- what holds for every combination -------------------------------------------------------------------------------


@given(EVIDENCE, st.sampled_from(sorted(PROOFS)))
def test_more_evidence_never_lowers(evidence: Evidence, proof: str) -> None:
    assert rank(msgspec.structs.replace(evidence, **{proof: PROOFS[proof]})) >= rank(evidence)


@given(EVIDENCE, st.sampled_from(sorted(DOUBTS)))
def test_a_doubt_never_raises(evidence: Evidence, doubt: str) -> None:
    assert rank(msgspec.structs.replace(evidence, **{doubt: DOUBTS[doubt]})) <= rank(evidence)


@given(EVIDENCE)
def test_nothing_unproven_is_more_than_unverified(evidence: Evidence) -> None:
    proven = ground_of(evidence) or evidence.sensor or (evidence.is_listing and evidence.listing)
    assert proven or grade(evidence)[0] == "unverified"


@given(EVIDENCE)
def test_muted_or_of_a_doubtful_time_is_never_more_than_unverified(evidence: Evidence) -> None:
    if evidence.muted or evidence.time_doubt:
        assert grade(evidence)[0] == "unverified"


@given(EVIDENCE)
def test_a_complaint_alone_is_never_corroborated_and_only_a_sensor_verifies(evidence: Evidence) -> None:
    assurance = grade(evidence)[0]
    assert assurance != "corroborated" or (evidence.is_listing and evidence.listing)
    assert assurance != "verified" or evidence.sensor


@given(EVIDENCE)
def test_spf_is_worth_nothing_by_itself(evidence: Evidence) -> None:
    assert grade(evidence)[0] == grade(msgspec.structs.replace(evidence, spf="", spf_domain="", spf_by=""))[0]


@given(EVIDENCE)
def test_the_reason_begins_with_the_assurance_and_can_be_worked_out_from_what_is_stored(evidence: Evidence) -> None:
    assurance, reason = grade(evidence)
    assert reason.startswith(assurance)
    assert grade(msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence)) == (assurance, reason)


def test_every_mix_of_proofs_and_doubts_has_a_grade_and_a_reason() -> None:
    for kept in product([False, True], repeat=len(PROOFS) + len(DOUBTS)):
        chosen = {name: value for (name, value), one in zip((PROOFS | DOUBTS).items(), kept, strict=True) if one}
        assurance, reason = grade(Evidence("x", **chosen))
        assert assurance in RANK
        assert reason


# --- each ground ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "assurance", "says"),
    [
        (Evidence("x"), "unverified", "anybody could have written it"),
        (Evidence("x", signed_by="d.example"), "unverified", "anybody could have written it"),
        (Evidence("x", known=True), "unverified", "no valid signature"),
        (Evidence("x", known=True, signed_by="d.example"), "authenticated", "signed by d.example"),
        (Evidence("x", known=True, key="OpenPGP key 1F"), "authenticated", "signed with OpenPGP key 1F of x"),
        (Evidence("x", api_key=True), "authenticated", "the API key of x"),
        (Evidence("x", feed="cert"), "authenticated", "it came by cert"),
        (Evidence("x", sensor="edge-1"), "verified", "edge-1"),
        (Evidence("x", is_listing=True), "unverified", "a query of ours"),
        (Evidence("x", is_listing=True, listing="bl.example"), "corroborated", "bl.example"),
        (Evidence("x", listing="bl.example"), "unverified", "anybody could have written it"),
        (Evidence("x", known=True, signed_by="d.example", muted=True), "unverified", "x is muted"),
        (Evidence("x", known=True, signed_by="d.example", time_doubt="it names no time"), "unverified", "no time"),
        (Evidence("x", api_key=True, record_doubt="staff rejected"), "unverified", "though it came under the API key"),
        (Evidence("x", known=True, spf="pass", spf_domain="d.example"), "unverified", "SPF passes for d.example"),
    ],
)
def test_the_reason_says_what_was_decisive(evidence: Evidence, assurance: str, says: str) -> None:
    found, reason = grade(evidence)
    assert found == assurance
    assert says in reason


def test_a_forwarders_word_counts_where_it_saw_the_reporters_signature() -> None:
    seal = Evidence("x", known=True, forwarded_by="mx.example")
    assert grade(seal)[0] == "unverified"
    assert grade(msgspec.structs.replace(seal, forwarded_for="d.example"))[0] == "authenticated"


def test_a_signature_that_failed_is_named() -> None:
    tried = (Signature("d.example", "s1", "has no key that could be found"),)
    assert "the signature of d.example has no key" in grade(Evidence("x", known=True, dkim=tried))[1]


# --- the record -----------------------------------------------------------------------------------------------------


def test_a_record_speaks_against_a_reporter_from_the_fifth_rejected_report_on() -> None:
    assert not record_doubt(0, DOUBTED_FROM - 1)
    assert "rejected 5 of the 5 reports" in record_doubt(0, DOUBTED_FROM)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 20))
def test_a_record_doubts_only_where_more_was_rejected_than_confirmed(confirmed: int, rejected: int, limit: int) -> None:
    expected = limit > 0 and rejected >= limit and rejected > confirmed
    assert bool(record_doubt(confirmed, rejected, limit)) == expected


# --- independence ---------------------------------------------------------------------------------------------------


def test_two_organisations_with_nothing_in_common_are_two_voices() -> None:
    one = Marks("cert", "cert.example", "192.0.2.0/24", "aa")
    assert independent(one, Marks("isp", "isp.example", "198.51.100.0/24", "bb"))


@pytest.mark.parametrize("shared", Marks._fields)
def test_whatever_they_share_makes_them_one(shared: str) -> None:
    one, other = (
        Marks("cert", "cert.example", "192.0.2.0/24", "aa"),
        Marks("isp", "isp.example", "198.51.100.0/24", "bb"),
    )
    assert not independent(one, other._replace(**{shared: getattr(one, shared)}))


def test_what_is_not_known_of_them_makes_them_neither_one_nor_two() -> None:
    assert independent(Marks("cert"), Marks("isp"))
    assert not independent(Marks(""), Marks("isp"))


@given(MARKS, MARKS)
def test_independence_is_mutual_and_nobody_is_independent_of_itself(one: Marks, other: Marks) -> None:
    assert independent(one, other) == independent(other, one)
    assert not independent(one, one)


def test_the_marks_are_read_from_evidence_as_it_is_stored() -> None:
    stored = msgspec.to_builtins(Evidence("x", organisation="cert", network="192.0.2.0/24"))
    assert marks_of(stored) == Marks("cert", network="192.0.2.0/24")
    assert marks_of({"organisation": "cert", "known": True, "signed_by": ""}) == Marks("cert")


def test_a_corroborated_report_says_who_else_told_and_what_proves_its_own_reporter() -> None:
    mine = Evidence("CERT Example", known=True, signed_by="cert.example.org")
    said = corroboration(msgspec.to_builtins(mine), msgspec.to_builtins(Evidence("Honeyfield", sensor="edge")))
    assert said == (
        "corroborated: Honeyfield, a voice independent of it, tells of the same; signed by cert.example.org, "
        "a known reporter"
    )


@given(EVIDENCE, EVIDENCE)
def test_the_reason_of_a_raised_report_begins_with_the_assurance_too(one: Evidence, other: Evidence) -> None:
    said = corroboration(msgspec.to_builtins(one), msgspec.to_builtins(other))
    assert said.startswith("corroborated: ")
    assert other.reporter in said

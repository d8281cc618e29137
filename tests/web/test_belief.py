"""Evidence in the words of the screens."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.vocabulary.evidence import Evidence, Signature
from abusedesk.web.belief import facts_of


def shown(**found: object) -> dict[str, str]:
    stored = msgspec.to_builtins(Evidence(**{"reporter": "x", **found}))  # type: ignore[arg-type]
    return dict(facts_of(stored))


def test_each_signature_is_shown_with_what_came_of_it() -> None:
    tried = (Signature("cert.example", "s1", "does not hold"), Signature("mail.cert.example", "s2", "holds"))
    assert shown(dkim=tried)["DKIM of cert.example"] == "does not hold, selector s1"
    assert shown(dkim=tried)["DKIM of mail.cert.example"] == "holds, selector s2"


def test_what_was_not_found_is_not_shown() -> None:
    assert shown() == {"Reporter": "not known"}
    assert facts_of({})[0].text == "not known"


def test_a_forwarders_word_and_spf_say_whose_they_are() -> None:
    found = shown(
        forwarded_by="lists.example",
        forwarded_for="cert.example",
        spf="pass",
        spf_domain="cert.example",
        spf_by="the desk",
    )
    assert found["ARC seal of lists.example"] == "saw a signature of cert.example hold"
    assert found["SPF"] == "pass for cert.example, as the desk saw it"


def test_evidence_of_an_earlier_release_is_shown_too() -> None:
    assert ("DKIM of cert.example", "holds") in facts_of(
        {"organisation": "c", "signed_by": "cert.example", "known": True}
    )


@given(st.builds(Evidence, reporter=st.text(), network=st.text(), key=st.text(), muted=st.booleans()))
def test_every_fact_has_a_name_and_a_text(evidence: Evidence) -> None:
    assert all(one.name and one.text for one in facts_of(msgspec.to_builtins(evidence)))

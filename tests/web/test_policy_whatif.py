"""What-ifs in the console: made by values or from a pack handed in, said in words, and told case by case."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from abusedesk.desk.policies.whatif import runs
from abusedesk.policy.author.consequences import Consequence
from abusedesk.policy.author.pack_zip import files_from_zip, zip_of
from abusedesk.policy.author.whatif import Difference, Money, Sum, WhatIf
from abusedesk.policy.pack import PACKS, pack_from
from abusedesk.records.models import Brand, WhatIfRun
from abusedesk.web.pack_checks import checks_of
from abusedesk.web.policy_form import ChangeForm
from tests.web import rows

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
START = "/policies/jimcloud/what-if"


def _present() -> dict[str, bytes]:
    folder = PACKS / "jimcloud"
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def _fields(**changed: str) -> dict[str, Any]:
    """The form as the browser sends it, with some fields changed; `__` in a name stands for a colon."""
    form = ChangeForm(pack_from(_present()), _settings(), timezone.now().date())
    sent = {name: form[name].value() for name in form.fields}
    return {
        **sent,
        "how": "values",
        "since": "2099-01-01",
        **{name.replace("__", ":"): text for name, text in changed.items()},
    }


def _settings() -> Any:
    from abusedesk.policy.facts import Settings

    return Settings()


def _made(page: Client, **changed: str) -> WhatIfRun:
    answer = page.post(START, _fields(**changed))
    assert answer.status_code == 302, re.findall(r'class="(?:error|note late)"[^>]*>([^<]*)', answer.content.decode())
    run: WhatIfRun = WhatIfRun.objects.latest("at")
    assert answer["Location"] == f"{START}/{run.pk}"
    return run


def _text(page: Client, path: str) -> str:
    return re.sub(r"\s+", " ", page.get(path).content.decode())


# ---------- made by its values ----------


def test_a_changed_value_becomes_a_new_version(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    assert run.title == "Reply period 4 hours"
    assert (run.by, run.state) == ("ann", "idle")
    changed = pack_from(runs.files_of(run))
    assert [one.id for one in changed.versions] == ["2022-06-07", "2099-01-01"]
    assert b"# " in runs.files_of(run)["pack.yaml"]


def test_every_kind_of_value_can_be_changed(page: Client, desk: rows.Desk) -> None:
    run = _made(
        page,
        value__strikes_to_terminate="4",
        value__spam_fine="30",
        value__limitation__attack="90 days",
        value__limitation__fraud="2 days",
        text__jimcloud__3="A fine of $30.",
    )
    assert run.title == (
        "Limitation attack 90 days, fraud 2 days; strikes to terminate 4; spam fine USD 30.00; the words of 3"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "Nothing is changed yet"),
        ({"value__reply_period": "soon"}, "is no length of time"),
        ({"value__reply_period": "0 hours"}, "No time at all"),
        ({"value__reply_period": ""}, "This field is required"),
        ({"value__spam_fine": "much"}, "This is no amount"),
        ({"value__spam_fine": "-1.00"}, "An amount is from 0.00"),
        ({"value__strikes_to_terminate": "-1"}, "greater than or equal to 0"),
        ({"value__limitation__fraud": "always"}, "is no length of time"),
        ({"value__reply_period": "4 hours", "since": "2020-01-01"}, "a new one must begin after it"),
        ({"value__reply_period": "4 hours", "since": "tomorrow"}, "Enter a valid date"),
        ({"value__reply_period": "9" * 9 + " days"}, "longer than a hundred years"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(changed: dict[str, str], said: str, page: Client, desk: rows.Desk) -> None:
    answer = page.post(START, _fields(**changed))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not WhatIfRun.objects.exists()


def test_what_the_brand_overrides_is_not_changed_here(page: Client, desk: rows.Desk) -> None:
    Brand.objects.update(settings={"parameters": {"reply_period": "PT4H"}})
    text = _text(page, START)
    assert "has its own value for reply period" in text
    assert re.search(r'name="value:reply_period"[^>]* disabled', text)
    assert page.post(START, _fields(value__reply_period="3 hours")).status_code == 422


# ---------- handed in ----------


def _hand_in(page: Client, name: str, data: bytes, title: str = "") -> Any:
    return page.post(START, {"how": "upload", "pack": SimpleUploadedFile(name, data), "title": title})


def test_a_zip_of_the_folder_is_taken(page: Client, desk: rows.Desk) -> None:
    files = _present()
    files["notices/en/complaint.txt"] += b"\nPlease."
    assert _hand_in(page, "mine.zip", zip_of(files), "A kinder notice").status_code == 302
    run = WhatIfRun.objects.get()
    assert run.title == "A kinder notice"
    assert "Please." in _text(page, f"{START}/{run.pk}")


def test_a_pack_yaml_alone_keeps_notices_and_cases(page: Client, desk: rows.Desk) -> None:
    text = _present()["pack.yaml"].replace(b"within 6 hours.", b"within six hours.")
    assert _hand_in(page, "pack.yaml", text).status_code == 302
    assert runs.files_of(WhatIfRun.objects.get()) == {**_present(), "pack.yaml": text}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("pack.yaml", b"a: [", "no YAML"),
        ("pack.zip", b"PK\x03\x04 no zip", "no zip that can be read"),
        ("photo.png", b"\x89PNG", "no zip that can be read"),
        ("pack.yaml", b"", "empty"),
        ("other.zip", zip_of({"pack.yaml": (PACKS / "scalibit/pack.yaml").read_bytes()}), "there is no notice"),
    ],
)
def test_what_is_no_pack_is_refused_in_words(name: str, data: bytes, said: str, page: Client, desk: rows.Desk) -> None:
    answer = _hand_in(page, name, data)
    assert answer.status_code == 422
    assert said in answer.content.decode()


# ---------- looked at ----------


def test_what_changes_is_said_by_clause(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    text = _text(page, f"{START}/{run.pk}")
    assert re.search(r'href="/policies/jimcloud#8.b">8.b</a> Processing and reply', text)
    assert "The reply period is 4 hours instead of 6 hours" in text


def test_changed_words_are_marked(page: Client, desk: rows.Desk) -> None:
    fields = _fields(value__reply_period="4 hours")
    fields["text:jimcloud:8.b"] = fields["text:jimcloud:8.b"].replace("6", "4")
    page.post(START, fields)
    text = _text(page, f"{START}/{WhatIfRun.objects.get().pk}")
    assert "<del>6</del><ins>4</ins>" in text


def test_faults_and_cases_are_looked_at(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__spam_fine="30.00")
    text = _text(page, f"{START}/{run.pk}/checks")
    assert "not fit" in text
    assert "No text of its clause states 30.00" in text
    assert "of its own cases come out as they say" in text


def test_a_case_that_fails_is_named_with_what_is_missing(page: Client, desk: rows.Desk) -> None:
    text = _present()["pack.yaml"].replace(
        b"reply_period: {clause: 8.b, values: {2022-06-07: PT6H}}",
        b"reply_period: {clause: 8.b, values: {2022-06-07: PT5H}}",
    )
    _hand_in(page, "pack.yaml", text)
    shown = _text(page, f"{START}/{WhatIfRun.objects.get().pk}/checks")
    assert "come out otherwise" in shown
    assert "missing: " in shown
    assert "/tmp" not in shown


def test_a_pack_that_does_not_load_has_each_fault_with_its_place_and_what_to_do() -> None:
    files = {**_present()}
    files["pack.yaml"] = (
        files["pack.yaml"].replace(b"abuse_type ==", b"abuse_tpye ==", 1).replace(b"acts_on:", b"act_on:")
    )
    found = checks_of(files)
    places = [one.place.split(":") for one in found.errors]
    assert {place[0] for place in places} == {"pack.yaml"}
    assert all(int(line) > 1 and int(column) > 0 for _, line, column in places)
    told = " ".join(one.text for one in found.errors)
    assert "did you mean" in told
    assert "abuse_tpye" in told
    assert "act_on" in told
    assert (found.problem, found.cases) == ("", [])


def test_a_fault_of_an_unloadable_pack_is_shown_with_its_place() -> None:
    files = _present() | {"pack.yaml": _present()["pack.yaml"].replace(b"acts_on:", b"act_on:")}
    text = render_to_string("web/trial_checks.html", {"checks": checks_of(files)})
    assert "not fit" in text
    assert re.search(r"<code>pack.yaml:\d+:\d+</code>", text)
    assert "Its cases are played once it loads." in text
    assert "no cases of its own" not in text


def test_the_changed_pack_can_be_taken_along(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    assert files_from_zip(page.get(f"{START}/{run.pk}/pack.zip").content) == runs.files_of(run)


def test_a_policy_that_changed_meanwhile_is_told(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    WhatIfRun.objects.update(present="0" * 64)
    assert "has changed since this was made" in _text(page, f"{START}/{run.pk}")


def test_a_what_if_of_another_brand_is_not_found_here(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    rows.brand("other", "Other")
    assert page.get(f"/policies/other/what-if/{run.pk}").status_code == 404
    assert page.get(f"{START}/{uuid4()}").status_code == 404


def test_what_was_tried_is_listed_and_can_be_deleted(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    assert f'href="{START}/{run.pk}"' in _text(page, START)
    assert page.get(f"{START}/{run.pk}/delete").status_code == 405
    page.post(f"{START}/{run.pk}/delete")
    assert "Nothing was tried yet" in _text(page, START)


# ---------- played ----------


def _ask(page: Client, run: WhatIfRun, **sent: str) -> None:
    assert page.post(f"{START}/{run.pk}/play", sent).status_code == 302
    run.refresh_from_db()


def test_it_is_asked_for_and_waits_for_the_worker(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    _ask(page, run, days="30", always="on")
    assert (run.state, run.always) == ("waiting", True)
    assert run.since is not None
    assert timedelta(days=29) < timezone.now() - run.since < timedelta(days=31)
    text = _text(page, f"{START}/{run.pk}")
    assert "Waits for the worker" in text
    assert 'hx-trigger="every 1s"' in text


def test_all_that_is_recorded_has_no_beginning(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    _ask(page, run, days="")
    assert (run.since, run.always) == (None, False)
    assert page.post(f"{START}/{run.pk}/play", {"days": "7000"}).status_code == 422


def test_a_version_to_come_is_played_as_if_always_unless_told_otherwise(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    assert re.search(r'name="always"[^>]* checked', _text(page, f"{START}/{run.pk}"))


def test_how_far_it_is_is_shown(page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    WhatIfRun.objects.update(state="running", done=250, total=1000)
    text = _text(page, f"{START}/{run.pk}/progress")
    assert 'value="25"' in text
    assert "250 of 1,000" in text


@pytest.mark.parametrize(
    ("error", "said"), [("jim has no past yet: nothing", "There is no past yet"), ("it broke", "could not be played")]
)
def test_why_it_failed_is_said(error: str, said: str, page: Client, desk: rows.Desk) -> None:
    run = _made(page, value__reply_period="4 hours")
    WhatIfRun.objects.update(state="failed", error=error)
    assert said in _text(page, f"{START}/{run.pk}")


def _consequence(kind: Any, what: str, **more: Any) -> Consequence:
    return Consequence(AT, kind, what, **{"case": "attack", "clauses": ("jimcloud:1.a",), **more})


def _played(desk: rows.Desk, page: Client, differences: list[Difference], sums: tuple[Sum, ...] = ()) -> str:
    run = _made(page, value__reply_period="4 hours")
    result = WhatIf(
        brand="jimcloud", present="a", changed="b", since=None, until=AT, stimuli=1234, services=7, affected=3,
        sums=sums, money=(Money("USD", "automatic", 123456700, 123458700),), clauses=(), differences=tuple(differences),
        differing=len(differences) + 5,
    )  # fmt: skip
    WhatIfRun.objects.update(state="done", result=msgspec.json.encode(result))
    return f"{START}/{run.pk}"


def test_what_came_of_it_is_told_case_by_case(page: Client, desk: rows.Desk) -> None:
    ref = desk.service.ref
    gone = Difference(ref, _consequence("measure", "suspend", mode="automatic", detail="without refund"), None)
    dearer = Difference(
        ref,
        _consequence("charge", "fine", mode="automatic", amount=2000, currency="USD"),
        _consequence("charge", "fine", mode="automatic", amount=3000, currency="USD"),
    )
    sums = (Sum("measure", "suspend", "automatic", before=3, after=2, lost=1),)
    text = _text(page, _played(desk, page, [gone, dearer], sums))
    assert "1,234 stimuli on 7 services" in text
    assert re.search(r"<b>2</b>.*1 gone</span>, 3 today", text)
    assert re.search(r"<b>USD 1,234,587.00</b>.*USD 20.00 more</span>, USD 1,234,567.00 today", text)
    assert f'href="/cases/{desk.case.pk}">Attack on {desk.service}</a>' in text
    assert "Suspension, automatic, without refund" in text
    assert re.search(r"Fine of USD 30.00, automatic<span class=\"sub\">today: Fine of USD 20.00", text)
    assert "5 lighter ones are counted above and not kept" in text


def test_a_result_of_another_release_is_to_be_played_again(page: Client, desk: rows.Desk) -> None:
    path = _played(desk, page, [])
    WhatIfRun.objects.update(result=b'{"brand": 1}')
    assert "played by an earlier release" in _text(page, path)


def test_what_weighs_is_shown_first_and_the_rest_on_demand(page: Client, desk: rows.Desk) -> None:
    notice = Difference(desk.service.ref, None, _consequence("notice", "further_notice", mode="customer"))
    path = _played(desk, page, [notice])
    assert "Nothing of this kind" in _text(page, path)
    assert "Notice to the customer: further notice" in _text(page, f"{path}?kind=rest")


def test_every_kind_of_consequence_has_words(page: Client, desk: rows.Desk) -> None:
    from typing import get_args

    from abusedesk.policy.author.consequences import Kind
    from abusedesk.web import past_words

    said = {
        kind: past_words.text(_consequence(kind, "spam", mode="customer", amount=100, currency="USD"))
        for kind in get_args(Kind)
    }
    assert len(set(said.values())) == len(said)
    assert all(text[0].isupper() for text in said.values())


def test_a_service_that_is_gone_is_named(page: Client, desk: rows.Desk) -> None:
    text = _text(page, _played(desk, page, [Difference("s-gone", None, _consequence("measure", "suspend"))]))
    assert "s-gone" in text


def test_more_differences_need_no_more_queries(
    page: Client, desk: rows.Desk, django_assert_max_num_queries: Any
) -> None:
    many = []
    for _ in range(8):
        case = rows.case(desk.brand, needs=[])
        many.append(Difference(case.service.ref, None, _consequence("measure", "suspend")))
    path = _played(desk, page, many)
    with django_assert_max_num_queries(10):
        assert page.get(path).content.decode().count("Suspension") >= 8


def test_every_what_if_page_keeps_to_the_content_policy(page: Client, desk: rows.Desk) -> None:
    path = _played(desk, page, [Difference(desk.service.ref, None, _consequence("measure", "suspend"))])
    for one in (START, path, f"{path}/progress", f"{path}/checks"):
        text = page.get(one).content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", text)

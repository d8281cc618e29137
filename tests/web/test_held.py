"""What the brake holds, on its page: looked at, released, dropped."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from abusedesk.desk import brake
from abusedesk.records.models import Brand, Deadline, Review
from tests.web import rows

HOUR = timedelta(hours=1)


@pytest.fixture
def held(db: None) -> list[Deadline]:
    """Three deadlines of a brand that would each shut a service down."""
    brand, now = rows.brand(), timezone.now()
    made = []
    for number in range(3):
        case = rows.case(brand, needs=[])
        docket = case.service.docket
        due = now - number * HOUR
        made.append(Deadline.objects.create(docket=docket, brand=brand, case=case, item="d1", name="payment", due=due))
    would = [{"measure": "shutdown", "ip": None, "port": None, "clauses": ["jimcloud:2.b"]}]
    brake.hold({one.pk: would for one in made}, now)
    return made


def text(page: Client, address: str) -> str:
    return page.get(address).content.decode()


def test_the_brand_and_the_question_lead_to_it(page: Client, held: list[Deadline]) -> None:
    assert "/brands/jimcloud/held" in text(page, "/brands/jimcloud")
    assert "/brands/jimcloud/held" in text(page, f"/reviews/{Review.objects.get().pk}")
    assert "Many deadlines at once" in text(page, "/reviews")


def test_it_says_what_would_fire(page: Client, held: list[Deadline]) -> None:
    shown = text(page, "/brands/jimcloud/held")
    assert shown.count("Shutdown") == 3
    assert shown.count("Payment missed") == 3


def test_those_chosen_are_released(page: Client, held: list[Deadline]) -> None:
    page.post("/brands/jimcloud/held/decide", {"verdict": "release", "chosen": [held[0].pk], "reason": "right"})
    assert Deadline.objects.get(pk=held[0].pk).released_at
    assert brake.held_of(Brand.objects.get()).count() == 2


def test_all_are_dropped_with_the_reason(page: Client, held: list[Deadline]) -> None:
    form = {"verdict": "drop", "whole": "on", "reason": "a wrong feed"}
    shown = page.post("/brands/jimcloud/held/decide", form, follow=True).content.decode()
    assert "3 deadlines dropped" in shown
    assert "Nothing is held." in shown
    assert Review.objects.get().answer == "dropped: a wrong feed"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"verdict": "drop", "reason": "x"}, "Choose deadlines, or all of them."),
        ({"verdict": "drop", "whole": "on"}, "This field is required."),
        ({"verdict": "release", "chosen": ["999999"], "reason": "x"}, "Choose deadlines, or all of them."),
    ],
)
def test_a_mistake_changes_nothing(page: Client, held: list[Deadline], form: dict[str, str], says: str) -> None:
    answer = page.post("/brands/jimcloud/held/decide", form)
    assert (answer.status_code, says in answer.content.decode()) == (422, True)
    assert brake.held_of(Brand.objects.get()).count() == 3


def test_an_empty_page_says_when_something_would_be_here(page: Client, desk: rows.Desk) -> None:
    assert "Nothing is held. When more than 20 deadlines" in text(page, "/brands/jimcloud/held")


def test_it_is_for_staff_only(db: None) -> None:
    rows.brand()
    assert Client().get("/brands/jimcloud/held").status_code == 302
    assert Client().post("/brands/jimcloud/held/decide").status_code == 302

"""Idempotency keys: a request sent again counts once and gets the same answer."""

import json
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abusedesk.records.models import ApiAnswer, MessageSeen
from tests.desk.estate import provider, with_addresses
from tests.web.api.samples import Caller, key, xarf4

BODIES = [json.dumps(xarf4(f"192.0.2.{number}")) for number in range(1, 4)]
BODIES += [json.dumps([json.loads(BODIES[0]), json.loads(BODIES[1])]), "{}"]


@pytest.fixture
def watch(db: Any) -> Caller:
    with_addresses(provider())
    return Caller(key()[1])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(BODIES)), max_size=12))
@pytest.mark.django_db
def test_each_name_stands_for_the_first_request_taken_under_it(calls: list[tuple[str, str]]) -> None:
    row, secret = key(per_minute=1_000_000)
    caller = Caller(secret)
    answers: dict[str, tuple[str, Any]] = {}
    for name, body in calls:
        response = caller.post("reports", body, once=name)
        if name not in answers and response.status_code == 202:
            answers[name] = (body, response.json())
        elif body == "{}":
            assert response.json()["code"] == "malformed"
        elif answers[name][0] == body:
            assert (response.status_code, response.json()) == (202, answers[name][1])
            assert response["Idempotency-Replayed"] == "true"
        else:
            assert (response.status_code, response.json()["code"]) == (422, "key_reused")
    assert ApiAnswer.objects.filter(key=row).count() == len(answers)


def test_what_was_refused_may_be_corrected_under_the_same_name(watch: Caller) -> None:
    assert watch.post("reports", "{}", once="one").status_code == 422
    assert watch.post("reports", BODIES[0], once="one").status_code == 202


def test_two_callers_do_not_share_their_names(watch: Caller) -> None:
    other = Caller(key("other@example.com")[1])
    assert watch.post("reports", BODIES[0], once="one").status_code == 202
    assert other.post("reports", BODIES[1], once="one").status_code == 202


def test_after_a_week_a_name_is_free_again(watch: Caller) -> None:
    watch.post("reports", BODIES[0], once="one")
    kept = ApiAnswer.objects.get()
    ApiAnswer.objects.update(at=kept.at - timedelta(days=7))
    assert watch.post("reports", BODIES[1], once="one").status_code == 202


@pytest.mark.parametrize("name", ["x" * 256, "naïve"])
def test_a_name_that_cannot_be_one_is_refused(name: str, watch: Caller) -> None:
    assert watch.post("reports", BODIES[0], once=name).json()["code"] == "bad_idempotency_key"


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_taken_and_all_hear_the_same(transactional_db: Any) -> None:
    with_addresses(provider())
    secret = key()[1]
    answers: list[str] = []

    def call() -> None:
        answers.append(Caller(secret).post("reports", BODIES[3], once="one").content.decode())
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert list(Counter(answers).values()) == [6]
    assert MessageSeen.objects.count() == 2

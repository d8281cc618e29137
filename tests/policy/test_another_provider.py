"""A provider that counts points, warns first, charges euros, sets business days and forgives: by its pack alone."""

from pathlib import Path

import pytest

from tests.policy.story import report, story, told

PACK = """\
pack: gentle
title: Gentle Hosting, fair use
currency: EUR
versions: [{id: first, from: 2026-01-01, clause: points}]
counting: {acts_on: authenticated, clause: points}
clauses:
  points: {title: Points, text: Each breach counts points.}
  warning: {title: Warning, text: The first breach is only warned of.}
  answer: {title: Answer, text: You answer within two business days.}
  fee: {title: Fee, text: From the second breach on a fee of 15 EUR is charged.}
  pause: {title: Pause, text: With five points the server is paused.}
  forgive: {title: Good behaviour, text: Ten days without a breach wipe out all points.}
parameters:
  limitation: {clause: forgive, value: {"*": never}}
  good_behaviour: {clause: forgive, value: P10D}
  occurrence_window: {clause: points, value: PT1H}
  light: {clause: points, value: 1}
  heavy: {clause: points, value: 4}
  points_to_pause: {clause: pause, value: 5}
  answer_time: {clause: answer, value: P2D}
  fee: {clause: fee, value: "15.00"}
abuse_types:
  attack: {categories: ["connection/*"]}
  other: {categories: ["*"]}
rules:
  - id: light-breach
    clause: points
    says: Most breaches count one point.
    on: report
    needs: authenticated
    when: abuse_type == "other"
    then: [{strike: true, points: light}]
  - id: heavy-breach
    clause: points
    says: An attack counts four points.
    on: report
    needs: authenticated
    when: abuse_type == "attack"
    then: [{strike: true, points: heavy}]
  - id: warn
    clause: warning
    says: The first breach is warned of.
    on: strike
    when: strikes == 1
    then: [{notify: customer, via: [email], template: warning}]
  - id: fee
    clause: fee
    says: Later breaches cost a fee.
    on: strike
    when: strikes >= 2
    then: [{charge: fee, amount: fee, each: occurrence}]
  - id: pause
    clause: pause
    says: Five points pause the server.
    on: strike
    when: points >= points_to_pause
    then: [{measure: suspend}]
  - id: answer
    clause: answer
    says: An answer is asked for within two business days.
    on: occurrence
    then: [{deadline: reply, within: answer_time, calendar: business}]
"""


@pytest.fixture
def pack(tmp_path: Path) -> str:
    (tmp_path / "notices/en").mkdir(parents=True)
    (tmp_path / "notices/en/warning.txt").write_text("A first warning\n\nDear {customer}\n", encoding="utf-8")
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")
    return str(tmp_path)


def test_the_first_breach_is_warned_of_and_the_second_costs_euros(pack: str) -> None:
    played = story(
        pack,
        f"02-02 10:00 {report('a', 'messaging/spam')}",
        f"02-02 12:00 {report('b', 'messaging/spam')}",
        until="02-02 13:00",
    )
    assert told(played, "notify", "charge") == [
        "02-02 10:00 notify customer warning s1",
        "02-02 12:00 fee 15.00 automatic s1",
    ]


def test_points_add_up_to_a_measure(pack: str) -> None:
    played = story(
        pack,
        f"02-02 10:00 {report('a', 'messaging/spam')}",
        f"02-02 12:00 {report('b', 'connection/ddos')}",
        until="02-02 13:00",
    )
    assert told(played, "measure") == ["02-02 12:00 suspend automatic refund s1"]


def test_good_behaviour_wipes_out_the_points(pack: str) -> None:
    played = story(
        pack,
        f"02-02 10:00 {report('a', 'connection/ddos')}",
        f"02-12 10:00 {report('b', 'connection/ddos')}",
        until="02-12 13:00",
    )
    assert told(played, "measure", "strike") == [
        "02-02 10:00 strike attack 1 s1",
        "02-12 10:00 strike attack 1 s1",
    ]


@pytest.mark.parametrize(
    ("received", "due"),
    [("02-02 10:00", "02-04 10:00"), ("02-05 10:00", "02-09 10:00"), ("02-07 10:00", "02-11 10:00")],
)
def test_a_deadline_skips_the_weekend(pack: str, received: str, due: str) -> None:
    played = story(pack, f"{received} {report('a', 'messaging/spam')}", until=received)
    assert told(played, "deadline") == [f"{received} reply by {due} s1"]

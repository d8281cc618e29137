"""Receive: the brand, the bytes, and the promise that the same bytes are one message."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.receive import HEADER_CAP, Incoming, address_in, headers_of, receive, receive_many
from abusedesk.records.models import Brand, BrandAddress, Channel, Message, MessageKey, MessageSeen
from abusedesk.records.payload import read_payload

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def brand(slug: str) -> Brand:
    made = Brand.objects.create(slug=slug, name=slug, pack="jimcloud", sender=f"abuse@{slug}.example")
    BrandAddress.objects.create(brand=made, address=f"abuse@{slug}.example")
    return made


def incoming(data: bytes = b"Subject: x\r\n\r\nbody", **more: Any) -> Incoming:
    return Incoming(data, more.pop("channel", "mail"), more.pop("received_at", NOW), **more)


def brand_of(one: Incoming) -> int | None:
    return Message.objects.get(pk=receive(one).message_id).brand_id


# --- the brand ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_recipient_of_the_envelope_fixes_the_brand() -> None:
    jim, scali = brand("jim"), brand("scali")
    assert brand_of(incoming(recipient="Abuse@Jim.Example")) == jim.pk
    assert brand_of(incoming(b"To: abuse@jim.example\r\n\r\n", recipient="abuse@scali.example")) == scali.pk


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["To", "Delivered-To", "X-Original-To"])
def test_without_an_envelope_the_header_does(header: str) -> None:
    jim = brand("jim")
    mail = f'{header}: "Abuse desk" <abuse@jim.example>, other@example.net\r\nSubject: x\r\n\r\nbody'
    assert brand_of(incoming(mail.encode())) == jim.pk


@pytest.mark.django_db
def test_a_recipient_in_the_body_counts_for_nothing() -> None:
    brand("jim")
    assert brand_of(incoming(b"To: x@example.net\r\n\r\nTo: abuse@jim.example\r\n")) is None


@pytest.mark.django_db
def test_a_channel_of_one_brand_brings_that_brands_messages() -> None:
    jim = brand("jim")
    Channel.objects.create(name="feed", kind="feed", brand=jim)
    assert brand_of(incoming(channel="feed")) == jim.pk


# --- the bytes ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_bytes_come_back_as_they_came_and_lie_encrypted() -> None:
    data = b"Subject: x\r\n\r\n" + bytes(range(256)) * 40
    message = Message.objects.get(pk=receive(incoming(data)).message_id)
    assert read_payload(message) == data
    assert bytes(range(64)) not in bytes(message.payload or b"")


@pytest.mark.django_db
def test_two_messages_have_two_keys() -> None:
    made = receive_many([incoming(b"one"), incoming(b"two")])
    keys = MessageKey.objects.filter(pk__in=[one.message_id for one in made]).values_list("key", flat=True)
    assert len({bytes(key) for key in keys}) == 2


@pytest.mark.django_db
def test_the_same_bytes_in_one_batch_and_later_are_one_message() -> None:
    first, second = receive_many([incoming(), incoming(name="again")])
    third = receive(incoming(received_at=NOW + timedelta(days=3)))
    assert (first.new, second.new, third.new) == (True, False, False)
    assert first.message_id == second.message_id == third.message_id
    assert MessageSeen.objects.get(message_id=first.message_id).received_at == NOW


@pytest.mark.django_db
def test_the_same_bytes_for_two_brands_are_two_messages() -> None:
    jim, scali = brand("jim"), brand("scali")
    made = receive_many([incoming(brand=jim.pk), incoming(brand=scali.pk)])
    assert [one.new for one in made] == [True, True]


@pytest.mark.django_db
def test_answers_come_in_the_order_of_the_messages() -> None:
    batch = [incoming(f"message {number}".encode()) for number in range(20)]
    once = receive_many(batch)
    assert [one.message_id for one in receive_many(batch)] == [one.message_id for one in once]


@pytest.mark.django_db
def test_a_channel_remembers_when_something_last_came() -> None:
    Channel.objects.create(name="mail", kind="lmtp")
    receive(incoming(b"new"))
    receive(incoming(b"older", received_at=NOW - timedelta(days=1)))
    assert Channel.objects.get(name="mail").last_message_at == NOW


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"Subject: a\0b\r\nFrom: \xff\xfe <a\0@b>\r\n\r\n",
        b"From: " + b"x" * 5000 + b"\r\n\r\n",
        b"\x80" * 300,
    ],
)
def test_hostile_bytes_are_taken_like_any_others(data: bytes) -> None:
    received = receive(incoming(data, name="a\0b" + "x" * 900, recipient="r" * 900))
    assert read_payload(Message.objects.get(pk=received.message_id)) == data


# --- headers --------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=2000))
def test_reading_headers_never_fails_and_never_yields_what_the_database_refuses(data: bytes) -> None:
    for value in headers_of(data).values():
        assert "\0" not in value
        assert len(value) <= 998
        value.encode()


def test_headers_are_looked_for_in_the_first_64_kilobytes_only() -> None:
    assert headers_of(b"X: " + b"y" * HEADER_CAP + b"\r\nSubject: late\r\n\r\n") == {}


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("Jo <Jo@Example.Net>", "jo@example.net"),
        ("jo@example.net", "jo@example.net"),
        ('"a@forger.example" <jo@example.net>', "jo@example.net"),
        ("nobody", ""),
    ],
)
def test_the_address_is_the_one_in_brackets(header: str, address: str) -> None:
    assert address_in(header) == address


def test_a_folded_header_is_one_line() -> None:
    folded = b"Subject: =?utf-8?q?one?=\r\n =?utf-8?q?two?=\r\n\tthree\r\n"
    mail = folded + b"From: a@example.net\r\n\r\nSubject: not this\r\n"
    assert headers_of(mail) == {"subject": "=?utf-8?q?one?= =?utf-8?q?two?= three", "from": "a@example.net"}


# --- who handed it over ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_same_bytes_from_somebody_proven_are_a_message_of_their_own() -> None:
    first = receive(incoming(provenance={"peer": "192.0.2.25"}))
    proven = receive(incoming(provenance={"reporter": "7"}))
    assert proven.new
    assert not receive(incoming(provenance={"peer": "198.51.100.25"})).new
    assert not receive(incoming(provenance={"reporter": "7"})).new
    assert Message.objects.get(pk=first.message_id).provenance == {"peer": "192.0.2.25"}

"""Near-identical texts."""

from abusedesk.vocabulary.alike import groups

FORM = (
    "Dear abuse team, your server {} attacked our shop at {} and we demand that you shut it down at once. Regards, {}"
)


def test_what_differs_in_numbers_and_addresses_alone_is_alike() -> None:
    texts = [FORM.format(f"192.0.2.{one}", f"1{one}:00", f"u{one}@example.com") for one in range(4)]
    assert groups(texts) == [[0, 1, 2, 3]]


def test_other_words_are_another_text() -> None:
    other = "We saw login attempts on our mail server from the address below and would like you to have a look."
    assert groups([FORM, other, FORM]) == [[0, 2], [1]]


def test_no_text_is_near_no_text() -> None:
    assert groups(["", "", "a b c d"]) == [[0, 1], [2]]

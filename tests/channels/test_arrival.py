"""A message as it arrives, cut into pieces at any place."""

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.channels.arrival import Arrival

END = b".\r\n"
AWKWARD = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"x", b"\0", b"\xff"]), max_size=30)


def sent(message: bytes) -> bytes:
    """What a client sends for a message whose last line has an end."""
    return b"".join(b"." + line if line.startswith(b".") else line for line in _lines(message)) + END


def _lines(message: bytes) -> list[bytes]:
    parts = message.split(b"\r\n")
    return [part + b"\r\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    cut = []
    for size in sizes:
        cut.append(data[:size])
        data = data[size:]
    return [*cut, data]


@given(AWKWARD, st.lists(st.integers(1, 7), max_size=40))
def test_what_is_sent_arrives_however_it_is_cut(parts: list[bytes], sizes: list[int]) -> None:
    message = b"".join(parts) + b"\r\n" if parts else b""
    arrival = Arrival()
    for piece in pieces(sent(message) + b"QUIT\r\n", sizes):
        if arrival.content is None:
            arrival.take(piece)
            rest = arrival.rest
        else:
            rest += piece
    assert arrival.content == message
    assert rest == b"QUIT\r\n"


@given(AWKWARD, st.lists(st.integers(1, 7), min_size=1, max_size=40), st.integers(0, 39))
def test_what_is_refused_has_the_same_end_and_holds_next_to_nothing(
    parts: list[bytes], sizes: list[int], refused_after: int
) -> None:
    arrival = Arrival()
    rest = b""
    for number, piece in enumerate(pieces(sent(b"".join(parts) + b"\r\n") + b"QUIT\r\n", sizes)):
        if arrival.content is None:
            arrival.take(piece)
            rest = arrival.rest
        else:
            rest += piece
        if number == refused_after:
            arrival.refuse("no")
        if arrival.refusal:
            assert arrival.held <= 4
    assert arrival.content is not None
    assert rest == b"QUIT\r\n"


def test_the_end_and_the_dots_before_dots_do_not_count() -> None:
    arrival = Arrival()
    arrival.take(b"..\r\n" + END)
    assert (arrival.content, arrival.is_larger_than(3), arrival.is_larger_than(2)) == (b".\r\n", False, True)

"""Feeds of no known layout: what their columns say is believed only where it can be."""

import pytest

from abusedesk.parsing.read import read


def feed(header: str, row: str) -> bytes:
    return f"{header}\n{row}\n".encode()


@pytest.mark.parametrize("port", ["00246025", "65536", "0", "²", "-1", "many"])
def test_a_port_that_cannot_be_is_left_out(port: str) -> None:
    reading = read(feed("src_ip,src_port,type", f"198.51.100.9,{port},port scan"), "feed.csv")
    assert [event.source_port for event in reading.events] == [None]


def test_a_date_and_a_clock_in_two_columns_are_one_instant() -> None:
    reading = read(
        feed("type;src_ip;event_date;event_time", "botnet drone;198.51.100.9;2026-03-03;10:00:05"), "feed.csv"
    )
    assert [str(event.occurred_at) for event in reading.events] == ["2026-03-03 10:00:05+00:00"]

"""Authentication results: what a server wrote is read, and nothing is read into it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abusedesk.parsing.authentication import read_results, without_instance


def test_each_check_has_its_method_result_and_properties() -> None:
    read = read_results(
        "mx.example.net; dkim=pass header.d=Isp.Example header.s=s1; spf=fail smtp.mailfrom=a@b.example"
    )
    assert read.server == "mx.example.net"
    assert [(one.method, one.result) for one in read.results] == [("dkim", "pass"), ("spf", "fail")]
    assert read.results[0].properties == {"header.d": "isp.example", "header.s": "s1"}


def test_a_version_after_server_or_method_is_left_out() -> None:
    read = read_results("mx.example.net 1; dkim/1=pass header.d=isp.example")
    assert (read.server, read.results[0].method) == ("mx.example.net", "dkim")


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.net (; dkim=pass header.d=isp.example)",
        "mx.example.net; spf=none (dkim=pass (header.d=isp.example) ; dkim=pass header.d=isp.example)",
        "mx.example.net; spf=none ( ; dkim=pass header.d=isp.example",
        'mx.example.net; spf=none reason="; dkim=pass header.d=isp.example"',
        "mx.example.net; none",
        "",
    ],
)
def test_what_stands_in_comments_and_quotes_is_no_result(value: str) -> None:
    assert not [one for one in read_results(value).results if one.method == "dkim" and one.result == "pass"]


def test_the_instance_of_an_arc_header_is_no_server() -> None:
    assert read_results(without_instance(" i=2; mx.example.net; dkim=pass")).server == "mx.example.net"
    assert read_results(without_instance("mx.example.net; dkim=pass")).server == "mx.example.net"


@given(st.text(max_size=300))
def test_anything_is_read_without_an_error(value: str) -> None:
    read_results(without_instance(value))

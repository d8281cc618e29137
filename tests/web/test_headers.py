"""What holds around every page."""

import pytest
from django.test import Client


@pytest.mark.parametrize("path", ["search", "reporters", "suppressions", "customers", "messages", "cases", "policies"])
def test_a_zero_byte_in_what_is_searched_for_is_refused_in_words(path: str, page: Client) -> None:
    refused = page.get(f"/{path}?q=a%00b")
    assert refused.status_code == 400
    assert "zero byte" in refused.content.decode()
    assert page.get(f"/{path}?q=a%25b").status_code == 200


def test_a_zero_byte_in_a_path_is_refused_too(page: Client) -> None:
    assert page.get("/cases/1%00").status_code == 400

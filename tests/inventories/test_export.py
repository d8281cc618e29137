"""An export of the provider's own, from a file."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from abusedesk.inventories.export import DRIVER
from abusedesk.problem import Problem
from abusedesk.vocabulary.claims import Claims, CustomerClaim, HoldingClaim, ServiceClaim, gather

WHOLE = {
    "customers": [{"ref": "c1", "name": "Acme Ltd", "email": "ops@example.com"}],
    "services": [{"ref": "s1", "customer": "c1", "since": "2026-01-31T00:00:00Z"}],
    "holdings": [{"prefix": "192.0.2.7", "service": "s1"}, {"prefix": "2001:db8:1::/64", "service": "s1"}],
    "own": ["192.0.2.0/24"],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.json"


def claims(file: Path, said: Any = WHOLE, **options: str) -> Claims:
    file.write_text(said if isinstance(said, str) else json.dumps(said))
    return gather(list(DRIVER.read({"file": str(file), **options})))


def test_everything_is_read(file: Path) -> None:
    found = claims(file)
    assert found.customers == (CustomerClaim("c1", "Acme Ltd", "ops@example.com"),)
    assert found.services == (ServiceClaim("s1", "c1", since=datetime(2026, 1, 31, tzinfo=UTC)),)
    assert found.holdings == (HoldingClaim("192.0.2.7/32", "s1"), HoldingClaim("2001:db8:1::/64", "s1"))
    assert found.own == ("192.0.2.0/24",)
    assert DRIVER.probe({"file": str(file)}) == "Export: 1 customers, 1 services, 2 prefixes held"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('{"customers": [', "is no whole export: Input data was truncated"),
        ({"customer": []}, "unknown field `customer`"),
        ({"customers": [{"name": "Acme"}]}, r"missing required field `ref` - at `\$.customers\[0\]`"),
        ({"services": [{"ref": "s1", "since": "2026-01-31T00:00:00"}]}, r"timezone.* at `\$.services\[0\].since`"),
        ({"holdings": [{"prefix": "192.0.2.7/24", "service": "s1"}]}, r"wrong at holdings\[0\]: .* host bits set"),
        ({"own": ["0.0.0.0/0"]}, r"wrong at own\[0\]: .* is nothing that a service holds"),
        ([], "Expected `object`, got `array`"),
    ],
)
def test_a_file_with_a_flaw_is_no_reading(file: Path, said: Any, words: str) -> None:
    with pytest.raises(Problem, match=words):
        claims(file, said)


def test_a_file_that_is_no_text_is_no_reading(file: Path) -> None:
    file.write_bytes(b'{"own": ["\xff"]}')
    with pytest.raises(Problem, match="is no whole export"):
        list(DRIVER.read({"file": str(file)}))


def test_a_file_that_is_missing_is_said(file: Path) -> None:
    with pytest.raises(Problem, match=r"export.json cannot be read \(No such file or directory\)"):
        list(DRIVER.read({"file": str(file)}))


def test_a_file_that_nobody_writes_any_more_is_not_believed(file: Path) -> None:
    claims(file)
    then = time.time() - 3 * 3600
    os.utime(file, (then, then))
    with pytest.raises(Problem, match="was last written 3 hours ago"):
        list(DRIVER.read({"file": str(file)}))
    assert list(DRIVER.read({"file": str(file), "hours": "4"}))


def test_who_calls_shows_the_secret() -> None:
    assert DRIVER.vouches(b"", {"authorization": "Bearer s3cret"}, "s3cret")
    assert not DRIVER.vouches(b"", {"authorization": "Bearer other"}, "s3cret")


@pytest.mark.parametrize(("value", "good"), [("24", True), ("0", False), ("9000", False), ("a day", False)])
def test_hours_are_checked(value: str, *, good: bool) -> None:
    hours = next(one for one in DRIVER.options if one.name == "hours")
    assert hours.check is not None
    assert (hours.check(value) == "") is good

"""A signed-in member of staff, and the small desk of rows."""

from typing import Any

import pytest
from django.test import Client

from tests.web import rows


@pytest.fixture
def staff(db: Any) -> Any:
    return rows.staff()


@pytest.fixture
def page(staff: Any) -> Client:
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def desk(db: Any) -> rows.Desk:
    return rows.desk()

"""The embedded server, with real processes."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_django_works_on_the_embedded_server() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('server_version_num')::int")
        assert cursor.fetchone()[0] >= 150000

"""What the API says of itself."""

from pathlib import Path
from typing import Any

from django.test import Client

from abusedesk.web.api.describe import page
from abusedesk.web.api.v1 import api

PAGE = Path(__file__).parents[3] / "docs/reference/api.md"


def test_the_reference_page_is_what_the_code_says() -> None:
    made = page(api.get_openapi_schema())
    assert PAGE.read_text(encoding="utf-8") == made, "python -m abusedesk.web.api > docs/reference/api.md"


def test_programs_find_the_description_without_a_key(db: Any) -> None:
    described = Client().get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]["/api/v1/reports"]) == {"post"}
    assert described["components"]["securitySchemes"]["Key"]["scheme"] == "bearer"

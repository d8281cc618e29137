"""A NetBox that is compared with the small provider of the desk's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from abusedesk.records.models import Inventory
from tests.desk.estate import Provider, provider
from tests.inventories.netbox import TOKEN, NetBox, netbox


@pytest.fixture
def box() -> Iterator[NetBox]:
    with netbox() as made:
        yield made


@pytest.fixture
def jim(db: None) -> Provider:
    return provider()


@pytest.fixture
def inventory(jim: Provider, box: NetBox, tmp_path: Path) -> Inventory:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    return Inventory.objects.create(
        brand=jim.brand,
        kind="netbox",
        name="netbox",
        options={"url": box.url, "token_file": str(token)},
        rank_customers=1,
        rank_services=1,
        rank_assignments=1,
    )

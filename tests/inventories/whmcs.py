"""A WHMCS of the tests: the shapes, paging and refusals of its API, as its developer documentation gives them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.inventories.serving import Answer, Asked, Door, listening

IDENTIFIER, SECRET = "D4j1dKYE3g40VROOPCGyJ9zRwP0ADJIv", "F1CKGXRIpylMfsrig3mwwdSdYUdLiFlo"

Object = dict[str, Any]


@dataclass
class Whmcs:
    """Its clients and their products."""

    clients: list[Object] = field(default_factory=list)
    products: list[Object] = field(default_factory=list)
    door: Door | None = None

    @property
    def url(self) -> str:
        assert self.door is not None
        return self.door.url

    def client(self, number: int, **more: Any) -> None:
        common = {
            "id": number,
            "firstname": "Jo",
            "lastname": "Doe",
            "companyname": "",
            "email": f"c{number}@example.com",
            "datecreated": "2024-01-15",
            "groupid": 0,
            "status": "Active",
        }
        self.clients.append(common | more)

    def product(self, number: int, client: int, status: str = "Active", **more: Any) -> None:
        common = {
            "id": number,
            "clientid": client,
            "pid": 3,
            "regdate": "2025-04-01",
            "name": "VPS 2",
            "groupname": "VPS",
            "domain": f"host{number}.example.net",
            "serverip": "198.51.100.1",
            "status": status,
            "dedicatedip": "",
            "assignedips": "",
        }
        self.products.append(common | more)

    def serve(self, asked: Asked) -> Answer:
        form = asked.form
        if asked.path != "/includes/api.php" or asked.method != "POST":
            return Answer(404, b"<html>not found</html>", {"Content-Type": "text/html"})
        if (form.get("identifier"), form.get("secret")) != (IDENTIFIER, SECRET):
            return Answer(403, {"result": "error", "message": "Invalid or missing credentials"})
        if form["action"] == "GetClients":
            return self._page(form, self.clients, "clients", "client")
        if form["action"] == "GetClientsProducts":
            return self._page(form, self.products, "products", "product")
        return Answer(403, {"result": "error", "message": "Action Not Allowed"})

    @staticmethod
    def _page(form: dict[str, str], rows: list[Object], many: str, one: str) -> Answer:
        start, size = int(form.get("limitstart", 0)), min(int(form.get("limitnum", 25)), 2)
        page = rows[start : start + size]
        return Answer(
            200,
            {
                "result": "success",
                "totalresults": str(len(rows)),
                "startnumber": start,
                "numreturned": len(page),
                many: {one: page} if page else "",
            },
        )


@contextmanager
def whmcs() -> Iterator[Whmcs]:
    """A WHMCS that answers for as long as the block."""
    made = Whmcs()
    with listening(made.serve) as door:
        made.door = door
        yield made

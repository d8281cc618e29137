"""A WHMCS of the tests: the shapes, paging and refusals of its API, as its developer documentation gives them.

What it does by itself when an invoice is paid or overdue is in its documentation of automation settings.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.inventories.serving import Answer, Asked, Door, listening

IDENTIFIER, SECRET = "D4j1dKYE3g40VROOPCGyJ9zRwP0ADJIv", "F1CKGXRIpylMfsrig3mwwdSdYUdLiFlo"

ACTIONS = (
    "GetClients",
    "GetClientsProducts",
    "ModuleSuspend",
    "ModuleUnsuspend",
    "UpdateClientProduct",
    "GetTickets",
    "OpenTicket",
    "GetClientsDetails",
    "GetInvoices",
    "CreateInvoice",
    "UpdateInvoice",
)
OVERDUE = "Overdue on Payment"

Object = dict[str, Any]


@dataclass
class Whmcs:
    """Its clients and their products; `changes` are the services that were really changed, and how."""

    clients: list[Object] = field(default_factory=list)
    products: list[Object] = field(default_factory=list)
    tickets: list[Object] = field(default_factory=list)
    invoices: list[Object] = field(default_factory=list)
    currency: str = "USD"
    changes: list[tuple[str, int]] = field(default_factory=list)
    allowed: set[str] = field(default_factory=lambda: set(ACTIONS))
    """What the API role of the credential may do."""
    broken_module: str = ""
    """What the server's module complains of."""
    departments: set[str] = field(default_factory=lambda: {"3"})
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
            "suspensionreason": "",
            "billingcycle": "Monthly",
            "nextduedate": "2999-01-01",
            "overideautosuspend": "",
            "overidesuspenduntil": "0000-00-00",
        }
        self.products.append(common | more)

    def serve(self, asked: Asked) -> Answer:
        form = asked.form
        if asked.path != "/includes/api.php" or asked.method != "POST":
            return Answer(404, b"<html>not found</html>", {"Content-Type": "text/html"})
        if (form.get("identifier"), form.get("secret")) != (IDENTIFIER, SECRET):
            return Answer(403, {"result": "error", "message": "Invalid or missing credentials"})
        action = form["action"]
        if action not in self.allowed:
            return Answer(
                403, {"result": "error", "message": f'Invalid Permissions: API action "{action}" is not allowed'}
            )
        return getattr(self, f"_{action}")(form)

    def paid(self, number: int) -> None:
        """The invoice of a product is paid: WHMCS lifts what it suspended itself, or what has no reason."""
        one = self._of(str(number))
        one["nextduedate"] = "2999-01-01"
        if one["status"] == "Suspended" and one["suspensionreason"] in {"", OVERDUE}:
            one |= {"status": "Active", "suspensionreason": ""}

    def cron(self, today: str) -> None:
        """The daily run: what is overdue and still runs is suspended."""
        for one in self.products:
            if one["status"] == "Active" and one["nextduedate"] < today:
                one |= {"status": "Suspended", "suspensionreason": OVERDUE}

    def _of(self, number: str) -> Object:
        return next((one for one in self.products if str(one["id"]) == number), {})

    def _GetClients(self, form: dict[str, str]) -> Answer:
        return self._page(form, self.clients, "clients", "client")

    def _GetClientsProducts(self, form: dict[str, str]) -> Answer:
        wanted = {"serviceid": "id", "domain": "domain"}
        rows = [
            one
            for one in self.products
            if all(str(one[field]) == form[asked] for asked, field in wanted.items() if asked in form)
        ]
        return self._page(form, rows, "products", "product")

    def _ModuleSuspend(self, form: dict[str, str]) -> Answer:
        return self._module(form, "Active", {"status": "Suspended", "suspensionreason": form.get("suspendreason", "")})

    def _ModuleUnsuspend(self, form: dict[str, str]) -> Answer:
        return self._module(form, "Suspended", {"status": "Active", "suspensionreason": ""})

    def _module(self, form: dict[str, str], before: str, after: Object) -> Answer:
        one = self._of(form.get("serviceid", ""))
        if not one:
            return Answer(200, {"result": "error", "message": "Service ID not found"})
        if self.broken_module or one["status"] != before:
            return Answer(200, {"result": "error", "message": self.broken_module or f"It is {one['status']}"})
        one |= after
        self.changes.append((form["action"], one["id"]))
        return Answer(200, {"result": "success"})

    def _UpdateClientProduct(self, form: dict[str, str]) -> Answer:
        one = self._of(form.get("serviceid", ""))
        if not one:
            return Answer(200, {"result": "error", "message": "Service ID Not Found"})
        one["suspensionreason"] = "" if form.get("unset[0]") == "suspendreason" else form["suspendreason"]
        self.changes.append((form["action"], one["id"]))
        return Answer(200, {"result": "success", "serviceid": one["id"]})

    def _GetTickets(self, form: dict[str, str]) -> Answer:
        rows = [one for one in self.tickets if form["subject"] in one["subject"]]
        return self._page(form, rows, "tickets", "ticket")

    def _OpenTicket(self, form: dict[str, str]) -> Answer:
        if form["deptid"] not in self.departments:
            return Answer(200, {"result": "error", "message": "Department ID not found"})
        number = len(self.tickets) + 1
        self.tickets.append({"id": number, "tid": f"51675{number}", "userid": form["clientid"], **form})
        return Answer(200, {"result": "success", "id": number, "tid": f"51675{number}", "c": "KPqH7yG3"})

    def _GetClientsDetails(self, form: dict[str, str]) -> Answer:
        client = {"id": form["clientid"], "currency_code": self.currency}
        return Answer(200, {"result": "success", "client": client, **client})

    def _GetInvoices(self, form: dict[str, str]) -> Answer:
        rows = [one for one in self.invoices if one["userid"] == form["userid"]]
        return self._page(form, rows, "invoices", "invoice")

    def _CreateInvoice(self, form: dict[str, str]) -> Answer:
        number = 900 + len(self.invoices)
        amount = {"subtotal": form["itemamount1"], "total": form["itemamount1"], "currencycode": self.currency}
        self.invoices.append({**form, "id": number, **amount})
        return Answer(200, {"result": "success", "invoiceid": number, "status": form["status"]})

    def _UpdateInvoice(self, form: dict[str, str]) -> Answer:
        found = next((one for one in self.invoices if str(one["id"]) == form["invoiceid"]), None)
        if found is None:
            return Answer(200, {"result": "error", "message": "Invoice ID Not Found"})
        found["status"] = form["status"]
        return Answer(200, {"result": "success", "invoiceid": found["id"]})

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

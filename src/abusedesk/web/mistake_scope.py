"""What a mistake is looked for in: the cases of a case page, a service or a customer, and what can be undone there."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse

from abusedesk.desk.decide import state_of
from abusedesk.desk.mistake.picks import Pick, What
from abusedesk.policy.docket import Docket, Occurrence, charged, stands
from abusedesk.policy.occurrences import best
from abusedesk.policy.strikes import struck
from abusedesk.records.models import Appeal, Case, Report
from abusedesk.records.models import Docket as Row
from abusedesk.web import mistake_words

MOST = 200
"""So many things of one kind can be chosen from, the newest."""

OFFERED: Mapping[str, tuple[What, ...]] = {
    "report": ("report",),
    "customer": ("occurrence",),
    "measure": ("measure",),
    "policy": ("strike", "charge", "measure"),
}
"""What can be undone, by what was wrong."""


class Scope(NamedTuple):
    """The cases that are looked at, of one customer; `query` names them, `back` is where one came from."""

    query: str
    title: str
    back: str
    cases: list[Case]
    appeal: Appeal | None

    @property
    def case(self) -> Case:
        """The case in whose ticket the letter goes out: the one with the latest report."""
        return self.cases[0]

    @property
    def dockets(self) -> list[Row]:
        """The dockets of the cases, each once."""
        return list({one.service.docket.pk: one.service.docket for one in self.cases}.values())


class Option(NamedTuple):
    """One thing that can be undone, and whether it is chosen."""

    pick: Pick
    text: str
    more: str
    chosen: bool


def scope_of(query: QueryDict) -> Scope:
    """The scope that a page's address names. A 404 where it names none."""
    if (number := _number(query, "appeal")) is not None:
        appeal = get_object_or_404(Appeal.objects.select_related("case", "docket", "brand", "customer"), pk=number)
        title = f"{appeal.customer}, who appeals against {appeal.about}"
        return _scope(f"appeal={number}", title, reverse("appeal", args=[number]), {"pk": appeal.case_id}, appeal)
    for name, field in (("case", "pk"), ("service", "service"), ("customer", "customer")):
        if (number := _number(query, name)) is not None:
            return _scope(f"{name}={number}", "", reverse(name, args=[number]), {field: number}, None)
    raise Http404("no case, service or customer")


def _number(query: QueryDict, name: str) -> int | None:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _scope(query: str, title: str, back: str, where: Mapping[str, int], appeal: Appeal | None) -> Scope:
    related = ("service__docket", "service__brand", "customer__reseller", "brand")
    cases = list(Case.objects.filter(**where).select_related(*related).order_by("-last_at", "-pk"))
    if not cases:
        raise Http404("nothing was ever decided there")
    # A service may have had another customer before; one letter goes to one of them.
    mine = [one for one in cases if one.customer_id == cases[0].customer_id]
    return Scope(query, title or _title(query, cases[0]), back, mine, appeal)


def _title(query: str, case: Case) -> str:
    if query.startswith("customer"):
        return str(case.customer)
    if query.startswith("service"):
        return str(case.service)
    return f"{case.abuse_type.replace('_', ' ')} on {case.service}"


# --- what can be undone ---------------------------------------------------------------------------------------------


def options(scope: Scope, wrong: str, chosen: frozenset[Pick] | None) -> list[Option]:
    """What can be undone, newest first; `chosen` is None where nobody has chosen yet."""
    found: list[Option] = []
    for row in scope.dockets:
        docket = state_of(row)
        types = {one.abuse_type for one in scope.cases if one.service_id == row.service_id}
        told = _told(docket, types) if wrong == "report" else {}
        usual = _usual(docket, types, scope, wrong)
        for what in OFFERED[wrong]:
            found += [
                Option(
                    pick,
                    mistake_words.thing(pick, docket),
                    told.get(pick.id, ""),
                    pick in usual if chosen is None else pick in chosen,
                )
                for pick in _things(row.pk, docket, what, types)
            ]
    return found


def _things(pk: int, docket: Docket, what: What, types: set[str]) -> list[Pick]:
    mine = [one for one in docket.occurrences if one.abuse_type in types and best(one) >= 0]
    rows: Iterable[str]
    if what == "report":
        rows = [report.id for one in mine for report in one.reports if not report.rejected]
    elif what == "occurrence":
        rows = [one.id for one in mine]
    elif what == "strike":
        rows = [one.id for one in docket.occurrences if one.abuse_type in types and struck(one)]
    elif what == "measure":
        rows = [one.id for one in docket.measures if stands(one) and not one.upstream]
    else:
        rows = [one.id for one in docket.charges if charged(one)]
    return [Pick(pk, what, one) for one in list(rows)[::-1][:MOST]]


def _usual(docket: Docket, types: set[str], scope: Scope, wrong: str) -> frozenset[Pick]:
    """What is likely meant: what an appeal disputes; on a case page its latest occurrence; elsewhere nothing."""
    if scope.appeal is not None:
        return _disputed(docket, scope.appeal)
    if not scope.query.startswith("case=") or wrong == "policy":
        return frozenset()
    mine = [one for one in docket.occurrences if one.abuse_type in types and best(one) >= 0]
    pk = scope.case.service.docket.pk
    standing = {Pick(pk, "measure", one.id) for one in docket.measures if stands(one) and one.kind != "block_port"}
    return frozenset(standing) | _of_occurrences(pk, mine[-1:])


def _disputed(docket: Docket, appeal: Appeal) -> frozenset[Pick]:
    pk = appeal.docket_id
    if appeal.what == "strike":
        return _of_occurrences(pk, [one for one in docket.occurrences if one.id == appeal.item])
    rows = docket.charges if appeal.what == "charge" else docket.measures
    grounds = {ground.occurrence for one in rows if one.id == appeal.item for ground in one.grounds}
    behind = _of_occurrences(pk, [one for one in docket.occurrences if one.id in grounds])
    item = Pick(pk, "charge" if appeal.what == "charge" else "measure", appeal.item)
    return frozenset(one for one in behind if one.what != "strike") | {item}


def _of_occurrences(pk: int, occurrences: Sequence[Occurrence]) -> frozenset[Pick]:
    reports = {Pick(pk, "report", report.id) for one in occurrences for report in one.reports}
    whole = {Pick(pk, "occurrence", one.id) for one in occurrences}
    return frozenset(reports | whole | {Pick(pk, "strike", one.id) for one in occurrences})


def _told(docket: Docket, types: set[str]) -> dict[str, str]:
    """Who told each report, and when."""
    heard = {one.id: one.at for each in docket.occurrences if each.abuse_type in types for one in each.reports}
    stored = [one for one in heard if len(one) == 36]
    known = Report.objects.filter(pk__in=stored).select_related("reporter")
    names = {str(one.pk): str(one.reporter.name or one.reporter.key) for one in known if one.reporter}
    return {one: f"{names.get(one, 'somebody')}, {at:%-d %b %Y, %H:%M} UTC" for one, at in heard.items()}

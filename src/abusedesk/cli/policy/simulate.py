"""`abusedesk policy simulate`: the recorded past of a brand under a changed pack, in sums and case by case."""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from abusedesk.policy.author.always import always
from abusedesk.policy.author.consequences import Consequence
from abusedesk.policy.author.whatif import Difference, Sum, WhatIf
from abusedesk.policy.pack import Pack, load_pack
from abusedesk.problem import Problem
from abusedesk.vocabulary.money import format_amount

if TYPE_CHECKING:
    from abusedesk.records.models import Brand

DESCRIPTION = (
    "Replay what is on record of a brand under a changed pack, and show what would have been otherwise: suspensions, "
    "charges and terminations gained and lost, in sums and case by case. Nothing live is touched."
)
SHOWN = 40
"""So many differences are listed unless `--all` is given."""

_ALWAYS_SHOWN = ("measure", "charge")
_CLAUSES_SHOWN = 12


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given."""
    parser.add_argument("--pack", required=True, metavar="CHANGED", help="the changed pack: its folder, or a name")
    parser.add_argument("--brand", metavar="SLUG", help="whose past (default: the one brand that goes by this policy)")
    parser.add_argument("--since", type=_date, metavar="DATE", help="compare from this date on, such as 2026-01-31")
    parser.add_argument(
        "--as-if-always", action="store_true", help="as if the pack's newest version had been in force all along"
    )
    parser.add_argument("--all", action="store_true", help=f"list all that differs, not only the {SHOWN} heaviest")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def work(options: argparse.Namespace) -> int:
    """Replays, and prints what came of it."""
    from abusedesk.cli.progress import Progress
    from abusedesk.cli.session import session

    changed = load_pack(options.pack)
    tried = always(changed) if options.as_if_always else changed
    with session():
        from abusedesk.desk.policies.past import MOST, what_if

        brand = _brand(options.brand, changed)
        with Progress() as progress:
            bar = _Bar(progress)
            found = what_if(brand, tried, options.since, bar, None if options.all else MOST)
    lines = [json.dumps(as_json(found), ensure_ascii=False)] if options.json else _as_text(found, tried, options.all)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


class _Bar:
    """Shows how far the replay is."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._done: int | None = None

    def __call__(self, done: int, total: int) -> None:
        if self._done is None:
            self._progress.begin("stimuli replayed under both packs", total)
            self._done = 0
        self._progress.advance(done - self._done)
        self._done = done


def _date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write 2026-01-31") from None


def _brand(slug: str | None, changed: Pack) -> "Brand":
    """The brand that is meant: by its slug, or the one that goes by a policy of the pack's name."""
    from abusedesk.desk.decide import pack_of
    from abusedesk.records.models import Brand

    brands = list(Brand.objects.order_by("slug"))
    names = ", ".join(one.slug for one in brands) or "none yet"
    if slug is None:
        brands = [one for one in brands if pack_of(one).name == changed.name]
        if len(brands) == 1:
            return brands[0]
        which = "no brand goes" if not brands else "several brands go"
        raise Problem(f"{which} by the policy {changed.name!r}: say whose past with --brand; there are {names}")
    found = next((one for one in brands if one.slug == slug), None)
    if found is None:
        raise Problem(f"there is no brand {slug!r}; there are {names}")
    return found


# --- for people -----------------------------------------------------------------------------------------------------


def _as_text(found: WhatIf, changed: Pack, everything: bool) -> list[str]:
    return [*_heading(found, changed), *_table(found), *_by_clause(found), *_cases(found, everything)]


def _heading(found: WhatIf, changed: Pack) -> Iterator[str]:
    since = f"since {found.since:%Y-%m-%d}" if found.since else "since the first"
    stimuli, services = _count(found.stimuli, "stimulus", "stimuli"), _count(found.services, "service", "services")
    yield f"{found.brand}: {stimuli} on record {since}, up to {found.until:%Y-%m-%d}"
    if found.differing:
        things = _count(found.differing, "thing", "things")
        yield f"{found.affected:,} of {services} would have fared otherwise, in {things}."
    else:
        yield f"The changed pack would have made no difference to any of {services}."
    yield from _remarks(found, changed)


def _remarks(found: WhatIf, changed: Pack) -> Iterator[str]:
    later = [one.id for one in changed.versions if one.since is not None and one.since > found.until]
    if later:
        yield (
            f"Note: version {later[0]} begins after all that; "
            "--as-if-always tries it as if it had been in force all along."
        )
    if found.unlike_record:
        number = _count(found.unlike_record, "decision", "decisions")
        yield (
            f"Note: {number} would be made otherwise under the present pack too, since pack, settings or assignments "
            "were others then; before and after are both replayed as they stand now."
        )
    if found.skipped:
        yield f"Note: {_count(found.skipped, 'decision', 'decisions')} were passed over: their values were erased."


def _table(found: WhatIf) -> Iterator[str]:
    rows = [one for one in found.sums if one.differs or one.kind in _ALWAYS_SHOWN]
    if not rows:
        return
    yield ""
    yield f"{'':44}{'before':>12}{'after':>12}{'gained':>9}{'lost':>9}{'changed':>9}"
    for one in rows:
        yield f"{_name(one):44}{one.before:>12,}{one.after:>12,}{one.gained:>9,}{one.lost:>9,}{one.changed:>9,}"
        if one.currency:
            yield f"{f'  {one.currency}':44}{_money(one.amount_before):>12}{_money(one.amount_after):>12}"
    for total in found.money:
        name = f"all charges {total.mode}, less withdrawn, {total.currency}"
        yield f"{name:44}{_money(total.before):>12}{_money(total.after):>12}"


def _name(row: Sum) -> str:
    sample = Consequence(_DAY, row.kind, row.what, row.mode)
    return sample.text


_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def _money(minor: int) -> str:
    whole, _, rest = format_amount(minor).partition(".")
    return f"{int(whole):,}.{rest}"


def _by_clause(found: WhatIf) -> Iterator[str]:
    if not found.clauses:
        return
    yield ""
    yield f"{'By clause':68}{'gained':>9}{'lost':>9}{'changed':>9}"
    for one in found.clauses[:_CLAUSES_SHOWN]:
        yield f"{one.clause:68}{one.gained:>9,}{one.lost:>9,}{one.changed:>9,}"
    if len(found.clauses) > _CLAUSES_SHOWN:
        yield f"and {len(found.clauses) - _CLAUSES_SHOWN} more"


def _cases(found: WhatIf, everything: bool) -> Iterator[str]:
    shown = found.differences if everything else found.differences[:SHOWN]
    if not shown:
        return
    yield ""
    yield "Case by case, the heaviest first"
    for one in shown:
        yield f"  {one.at:%Y-%m-%d %H:%M}  {one.service or 'nobody':16}  {one.text}"
    if len(shown) < found.differing:
        yield f"  and {found.differing - len(shown):,} more; --all lists them"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


# --- for scripts ----------------------------------------------------------------------------------------------------


def as_json(found: WhatIf) -> dict[str, Any]:
    """The whole as plain values: amounts in minor units, instants as RFC 3339."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(found)
    plain["differences"] = [_difference(one) for one in found.differences]
    return plain


def _difference(one: Difference) -> dict[str, Any]:
    sides = {"before": _side(one.before), "after": _side(one.after)}
    return {"service": one.service, "change": one.change, "text": one.text, "clauses": one.clauses, **sides}


def _side(one: Consequence | None) -> dict[str, Any] | None:
    import msgspec

    if one is None:
        return None
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.asdict(one))
    return plain

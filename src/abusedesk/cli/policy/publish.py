"""`abusedesk policy publish`: a changed pack put forward for a brand, and approved by another person."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from abusedesk.policy.author.cases_changed import case_changes
from abusedesk.policy.author.diff import diff
from abusedesk.policy.author.pack_zip import LARGEST, files_from_zip
from abusedesk.policy.pack import find_pack, pack_files
from abusedesk.problem import Problem

if TYPE_CHECKING:
    from abusedesk.records.models import Brand, Publication

DESCRIPTION = (
    "Put a changed pack forward for a brand; another person approves it, here or in the console, and from then on the "
    "brand goes by it. A pack with errors, or one that fails its own cases, is refused. "
    "With --approve, --reject or --withdraw, decide on what was put forward; with --list, see what waits. "
    "Exit codes: 0 done, 1 it rewrites what is in force and --rewrite was not given, 2 it cannot be."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given."""
    parser.add_argument("pack", nargs="?", metavar="FOLDER", help="the changed pack: its folder, or a zip of it")
    parser.add_argument("--brand", metavar="SLUG", help="for which brand (default: the only one)")
    parser.add_argument("--by", default="", metavar="NAME", help="who you are")
    parser.add_argument("--note", default="", metavar="TEXT", help="what changes and why; or why it is rejected")
    parser.add_argument(
        "--rewrite", action="store_true", help="it is meant that versions already in force change (else it is refused)"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--approve", type=int, metavar="ID", help="publish what another person put forward")
    what.add_argument("--reject", type=int, metavar="ID", help="refuse it, with --note saying why")
    what.add_argument("--withdraw", type=int, metavar="ID", help="take back what you put forward yourself")
    what.add_argument("--list", action="store_true", help="list what waits for a decision")


def work(options: argparse.Namespace) -> int:
    """Proposes, decides or lists."""
    from abusedesk.cli.session import session

    deciding = options.list or any(one is not None for one in (options.approve, options.reject, options.withdraw))
    if deciding == (options.pack is not None):
        raise Problem("give either the folder of a pack, or one of --approve, --reject, --withdraw and --list")
    with session():
        if options.list:
            return _list()
        return _decide(options) if deciding else _propose(options)


def _propose(options: argparse.Namespace) -> int:
    from abusedesk.desk.policies import publish

    brand, files = _brand(options.brand), _files(options.pack)
    try:
        publication = publish.propose(brand, files, options.by, options.note, reaching_back_is_meant=options.rewrite)
    except publish.ReachesBackError as error:
        print("this changes what is in force already:", *error.words, sep="\n  ", file=sys.stderr)
        print("give it a version of its own from a date to come, or say --rewrite if it is meant", file=sys.stderr)
        return 1
    _print(publication)
    print(
        f"another person approves it in the console, or: abusedesk policy publish --approve {publication.pk} --by NAME"
    )
    return 0


def _decide(options: argparse.Namespace) -> int:
    from abusedesk.desk.policies import publish

    if options.approve is not None:
        done = publish.approve(_publication(options.approve), options.by)
    elif options.reject is not None:
        done = publish.reject(_publication(options.reject), options.by, options.note)
    else:
        done = publish.withdraw(_publication(options.withdraw), options.by, reason=options.note)
    print(f"publication {done.pk} for {done.brand.slug}: {done.state} by {done.decided_by}")
    return 0


def _list() -> int:
    from abusedesk.records.models import Publication

    waiting = Publication.objects.filter(state="proposed").select_related("brand").order_by("proposed_at", "pk")
    for publication in waiting:
        _print(publication)
    if not waiting:
        print("nothing waits for a decision")
    return 0


def _print(publication: "Publication") -> None:
    """A proposal with all that it changes."""
    from abusedesk.desk.policies.publish import cases_before, files_of_publication
    from abusedesk.records.packs import kept

    print(
        f"publication {publication.pk} for {publication.brand.slug}, proposed by {publication.author} "
        f"at {publication.proposed_at:%Y-%m-%d %H:%M} UTC: {publication.note}"
    )
    before, after = kept(publication.previous), kept(publication.pack_id)
    if before is not None and after is not None:
        cases = case_changes(cases_before(publication), files_of_publication(publication))
        print(*(f"  {change}" for change in (*diff(before, after), *cases)), sep="\n")
    for words in publication.reaches_back:
        print(f"  in force already, and meant: {words}")


def _files(word: str) -> dict[str, bytes]:
    path = Path(word)
    if not path.is_file() or path.name == "pack.yaml":
        return pack_files(find_pack(word))
    with path.open("rb") as file:
        return files_from_zip(file.read(LARGEST + 1))


def _brand(slug: str | None) -> "Brand":
    from abusedesk.records.models import Brand

    brands = {one.slug: one for one in Brand.objects.order_by("slug")}
    names = ", ".join(brands) or "none yet"
    if slug is None and len(brands) == 1:
        return next(iter(brands.values()))
    if slug is None:
        raise Problem(f"say for which brand with --brand; there are {names}")
    if slug not in brands:
        raise Problem(f"there is no brand {slug!r}; there are {names}")
    return brands[slug]


def _publication(number: int) -> "Publication":
    from abusedesk.records.models import Publication

    found = Publication.objects.filter(pk=number).select_related("brand").first()
    if found is None:
        raise Problem(f"there is no publication {number}; --list shows what waits")
    return found

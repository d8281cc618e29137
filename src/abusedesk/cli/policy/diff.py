"""`abusedesk policy diff`: what two packs, or one pack at two dates, say differently, clause by clause."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from abusedesk.policy.author.diff import Change, as_of, diff
from abusedesk.policy.pack import Pack, load_pack
from abusedesk.problem import Problem

DESCRIPTION = (
    "Say in words, clause by clause, what B says otherwise than A. PACK@DATE is what holds at a date: "
    "`jimcloud@2026-01-01 jimcloud@2027-01-01` says what changes in between. In texts, [-gone-] and {+new+}. "
    "Ends with 0 where both say the same, with 1 where they differ, as diff does."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What can be given."""
    parser.add_argument("before", metavar="A", help="a pack's name or folder, or PACK@DATE")
    parser.add_argument("after", metavar="B", help="the same; a date on both sides or on neither")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")


def work(options: argparse.Namespace) -> int:
    """Prints the differences; 1 where there are any."""
    (before, since), (after, until) = _read(options.before), _read(options.after)
    if (since is None) != (until is None):
        raise Problem("only one side has a date; give PACK@DATE on both, or on neither")
    if since is not None and until is not None:
        before, after = as_of(before, since), as_of(after, until)
    changes = diff(before, after)
    if options.json:
        print(json.dumps({"different": bool(changes), "changes": _as_json(changes)}, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*(str(one) for one in changes), _count(len(changes))]))
    return 1 if changes else 0


def _read(word: str) -> tuple[Pack, datetime | None]:
    """A pack, and the date that it was given with."""
    name, at, date = word.rpartition("@")
    if not at or Path(word).exists():
        return load_pack(word), None
    try:
        return load_pack(name), datetime.fromisoformat(date).replace(tzinfo=UTC)
    except ValueError:
        raise Problem(f"{date!r} in {word!r} is no date; write PACK@2026-01-31") from None


def _count(number: int) -> str:
    return "no difference in what they say" if not number else f"{number} difference{'' if number == 1 else 's'}"


def _as_json(changes: list[Change]) -> list[dict[str, object]]:
    return [
        {
            "clause": one.clause,
            "kind": one.kind,
            "text": one.text,
            "words": [piece._asdict() for piece in one.words],
        }
        for one in changes
    ]

"""Picks the command, loads only what that one needs, and turns what a user can cause into one line."""

import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from typing import NamedTuple, cast

from abusedesk.problem import Problem

USAGE_ERROR = 2
INTERRUPTED = 130


class Command(NamedTuple):
    """One command: the module whose `run(arguments) -> exit code` does it, and what it does in one line."""

    group: str
    name: str
    module: str
    summary: str


_START, _DAILY, _PARTS, _PURE = "To begin", "Every day", "Parts of `serve`, alone", "Without a database"

COMMANDS: tuple[Command, ...] = (
    Command(
        _START, "demo", "abusedesk.cli.demo.run", "fill a fresh installation with a day of complaints, and serve it"
    ),
    Command(_START, "serve", "abusedesk.cli.serve", "run everything: database, console, worker and watch"),
    Command(_START, "check", "abusedesk.cli.check", "say in words what is wrong with the configuration"),
    Command(_DAILY, "ingest", "abusedesk.cli.ingest", "take in mail, mbox, Maildir, zip, CSV and JSON files"),
    Command(
        _DAILY, "import", "abusedesk.cli.import_", "take over customers, services, assignments or domains from CSV"
    ),
    Command(
        _DAILY, "inventory", "abusedesk.cli.inventory", "compare NetBox and other systems that know who holds what"
    ),
    Command(_DAILY, "listings", "abusedesk.cli.listings", "ask the blocklists about an address now"),
    Command(
        _DAILY, "invoices", "abusedesk.cli.invoices", "charges as invoices of WHMCS, and what was paid booked here"
    ),
    Command(_DAILY, "database", "abusedesk.cli.database", "dump, restore, or open a shell on the database"),
    Command(_DAILY, "audit", "abusedesk.cli.audit", "prove that decisions stand as they were made, or make them again"),
    Command(_DAILY, "brand", "abusedesk.cli.brand", "make and change brands: policy, addresses, safeguards, actuators"),
    Command(_DAILY, "hold", "abusedesk.cli.hold", "stop brands before anything acts, or release them"),
    Command(_DAILY, "alerts", "abusedesk.cli.alerts", "what is wrong and who is on call; acknowledge, test a way"),
    Command(_DAILY, "account", "abusedesk.cli.account", "who may sign in to the console, and what they may do"),
    Command(_DAILY, "key", "abusedesk.cli.key", "keys of the API: who may send reports by program"),
    Command(_DAILY, "dkim", "abusedesk.cli.dkim", "keys that sign what the brands send"),
    Command(_DAILY, "migrate", "abusedesk.cli.migrate", "bring the tables up to this release"),
    Command(_PARTS, "web", "abusedesk.cli.web", "the console and the public pages"),
    Command(_PARTS, "worker", "abusedesk.cli.worker", "carries out effects: notices and measures"),
    Command(_PARTS, "fetch", "abusedesk.cli.fetch", "asks mailboxes and watched folders for what has come"),
    Command(_PARTS, "lmtp", "abusedesk.cli.lmtp", "takes mail in over LMTP and SMTP"),
    Command(_PARTS, "watch", "abusedesk.cli.watch", "fires deadlines and looks for what has expired"),
    Command(_PURE, "parse", "abusedesk.cli.parse", "read files as reports and print what they say"),
    Command(_PURE, "policy", "abusedesk.cli.policy", "read, check, try and compare policies"),
    Command(_PURE, "simulate", "abusedesk.cli.simulate", "play a scenario against a policy and print its effects"),
)

EXAMPLES = (
    ("abusedesk demo", "look at it, with made-up data"),
    ("abusedesk ingest ~/Maildir", "take in what has come so far; safe to repeat"),
    ("abusedesk parse --json complaint.eml", "what does this mail complain about?"),
    ("abusedesk COMMAND --help", "everything about one command"),
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 not all well, 2 a mistake of the user, 130 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in {"-h", "--help", "help"}:
        print(help_text())
        return 0
    if words[0] in {"-V", "--version"}:
        return _print_version()
    command = next((command for command in COMMANDS if command.name == words[0]), None)
    if command is None:
        return _fail(_no_such_command(words[0]))
    return _guarded(lambda: _load(command)(words[1:]))


def help_text() -> str:
    """All commands by group, one line each, and how to go on."""
    lines = ["abusedesk - the abuse desk for companies that rent out servers and IP addresses", ""]
    lines += ["usage: abusedesk COMMAND [ARGUMENTS]"]
    for group in dict.fromkeys(command.group for command in COMMANDS):
        lines += ["", f"{group}:"]
        lines += [f"  {command.name:<10} {command.summary}" for command in COMMANDS if command.group == group]
    lines += ["", "Examples:", *(f"  {example:<38} {meaning}" for example, meaning in EXAMPLES)]
    lines += ["", "Settings come from abusedesk.toml in the data folder (./var) and from ABUSEDESK_* variables;"]
    lines += ["`abusedesk check` shows them and says what is wrong."]
    return "\n".join(lines)


def _print_version() -> int:
    from importlib.metadata import version

    print(f"abusedesk {version('abusedesk')}")
    return 0


def _no_such_command(word: str) -> str:
    import difflib

    nearest = difflib.get_close_matches(word, [command.name for command in COMMANDS], 1)
    return f"there is no command {word!r}; " + (
        f"did you mean {nearest[0]}?" if nearest else "`abusedesk help` lists all"
    )


def _load(command: Command) -> Callable[[list[str]], int]:
    return cast("Callable[[list[str]], int]", importlib.import_module(command.module).run)


def _guarded(work: Callable[[], int]) -> int:
    try:
        return work()
    except Problem as problem:
        return _fail(str(problem))
    except PermissionError as error:
        return _fail(f"{error.filename or 'a file'}: this user may not do that ({error.strerror}); run as its owner")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; Python must not complain when it flushes at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _is_lost_connection(error):
            raise
        return _fail(f"the database cannot be used: {one_line(error)}; `abusedesk check` says more")


def _is_lost_connection(error: Exception) -> bool:
    # Looked up, not imported: a command that never touched the database must not pay for it.
    names = ("django.db.utils", "psycopg")
    classes = [getattr(sys.modules[name], "OperationalError") for name in names if name in sys.modules]  # noqa: B009
    return isinstance(error, tuple(classes))


def one_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _fail(text: str) -> int:
    print(f"abusedesk: {text}", file=sys.stderr)
    return USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main())

"""`abusedesk account`: who may sign in to the console, and what they may do there."""

import argparse
import getpass
import secrets
import sys
from typing import Any

from abusedesk.cli.session import session
from abusedesk.problem import Problem

SHORTEST = 12


def run(arguments: list[str]) -> int:
    """Does what is asked of an account."""
    given = _parser().parse_args(arguments)
    with session():
        given.work(given)
    return 0


def _parser() -> argparse.ArgumentParser:
    from abusedesk.vocabulary.permission import GROUPS

    groups = "; ".join(f"{name!r} {what}" for name, what in GROUPS.items())
    parser = argparse.ArgumentParser(
        prog="abusedesk account",
        description="Staff who may sign in to the console. Everybody may work on cases; for more they are in groups: "
        f"{groups}. Administrators may do all of it.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="a new account; its password is asked for, or made and shown")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--email", default="", metavar="ADDRESS")
    add.add_argument("--admin", action="store_true", help="an administrator, who may do everything")
    add.set_defaults(work=_add)
    grant = commands.add_parser("grant", help="put an account into a group")
    revoke = commands.add_parser("revoke", help="take an account out of a group")
    for one, work in ((grant, _grant), (revoke, _revoke)):
        one.add_argument("name", metavar="NAME")
        one.add_argument("group", metavar="GROUP", choices=list(GROUPS), help=", ".join(map(repr, GROUPS)))
        one.set_defaults(work=work)
    for name, work, told in (
        ("password", _password, "a new password"),
        ("close", _close, "the account may sign in no more; what it did keeps its name"),
        ("open", _open, "a closed account may sign in again"),
    ):
        one = commands.add_parser(name, help=told)
        one.add_argument("name", metavar="NAME")
        one.set_defaults(work=work)
    commands.add_parser("list", help="all accounts").set_defaults(work=_list)
    return parser


def _add(given: argparse.Namespace) -> None:
    users = _users()
    if users.filter(username__iexact=given.name).exists():
        raise Problem(
            f"there is an account {given.name!r} already; `abusedesk account password {given.name}` changes it"
        )
    word, is_made = _new_password()
    make = users.create_superuser if given.admin else users.create_user
    make(given.name, given.email, word)
    print(f"{given.name} may sign in{' as an administrator' if given.admin else ''}")
    _show(word, is_made=is_made)


def _password(given: argparse.Namespace) -> None:
    user = _user(given.name)
    word, is_made = _new_password()
    user.set_password(word)
    user.save(update_fields=["password"])
    print(f"{user.username} has a new password, and is signed out everywhere")
    _show(word, is_made=is_made)


def _grant(given: argparse.Namespace) -> None:
    from django.contrib.auth.models import Group

    group, _ = Group.objects.get_or_create(name=given.group)
    _user(given.name).groups.add(group)
    print(f"{given.name} is in {given.group!r}")


def _revoke(given: argparse.Namespace) -> None:
    from django.contrib.auth.models import Group

    _user(given.name).groups.remove(*Group.objects.filter(name=given.group))
    print(f"{given.name} is not in {given.group!r}")


def _close(given: argparse.Namespace) -> None:
    user = _user(given.name)
    if user.is_superuser and not _users().filter(is_superuser=True, is_active=True).exclude(pk=user.pk).exists():
        raise Problem(f"{user.username} is the last administrator; make another first")
    _set_active(user, active=False)
    print(f"{user.username} may sign in no more")


def _open(given: argparse.Namespace) -> None:
    _set_active(_user(given.name), active=True)
    print(f"{given.name} may sign in again")


def _list(_: argparse.Namespace) -> None:
    found = list(_users().order_by("username").prefetch_related("groups"))
    if not found:
        print("there is no account yet: `abusedesk account add NAME --admin` makes the first")
    for one in found:
        marks = ["administrator"] * one.is_superuser + [group.name for group in one.groups.all()]
        closed = "" if one.is_active else "  closed"
        print(f"{one.username:<24}{', '.join(marks) or 'staff'}{closed}")


def _set_active(user: Any, *, active: bool) -> None:
    user.is_active = active
    user.save(update_fields=["is_active"])


def _users() -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects


def _user(name: str) -> Any:
    found = _users().filter(username__iexact=name).first()
    if found is None:
        raise Problem(f"there is no account {name!r}; `abusedesk account list` shows all")
    return found


def _new_password() -> tuple[str, bool]:
    """A password and whether it was made here: where nobody can be asked, or whoever is asked gives none."""
    if not sys.stdin.isatty():
        return secrets.token_urlsafe(12), True
    word = getpass.getpass("password (empty: one is made): ")
    if not word:
        return secrets.token_urlsafe(12), True
    if len(word) < SHORTEST:
        raise Problem(f"the password is shorter than {SHORTEST} characters; nothing was changed")
    if getpass.getpass("once more: ") != word:
        raise Problem("the two are not the same; nothing was changed")
    return word, False


def _show(word: str, *, is_made: bool) -> None:
    if is_made:
        print(f"the password is {word}")

"""What the DNS said about a domain that wants to send mail, before anybody judged it. None is: nobody answered."""

from typing import NamedTuple

Records = tuple[str, ...] | None
"""The values of a record: none where there is none, None where the DNS gave no answer in time."""


class Pointed(NamedTuple):
    """An address of the service: its reverse names, which of them lead back to it, and what SPF says of it (RFC 7208).

    `back` is None where the DNS did not say whether any leads back.
    """

    ip: str
    names: Records
    back: Records = ()
    spf: str = ""


class Key(NamedTuple):
    """A DKIM key that was looked for: its selector, its text, its algorithm and length, and why it cannot be used."""

    selector: str
    text: str | None
    algorithm: str = ""
    bits: int = 0
    problem: str = ""


class Gathered(NamedTuple):
    """Everything that was asked. `selector` is the one that the customer named; without it, usual ones were tried."""

    domain: str
    addresses: tuple[Pointed, ...]
    further: int
    """So many addresses of the service were not looked at."""
    spf: Records
    """The SPF records of the domain."""
    spf_end: Records
    """The record by which it ends, behind its redirects."""
    selector: str
    keys: tuple[Key, ...]
    dmarc: Records
    dmarc_at: str
    """The domain whose record holds: its own, or the registered one above it."""
    mx: Records

"""Column types of PostgreSQL that Django has no name for, without any contrib extension."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from django.db import models

Network = IPv4Network | IPv6Network


if TYPE_CHECKING:
    _Field = models.Field[Network | str, Network]
    _OptionalField = models.Field[Network | str | None, Network | None]
else:
    _Field = _OptionalField = models.Field


class _Prefix:
    """How a prefix is stored and read."""

    def db_type(self, connection: Any) -> str:  # noqa: ARG002
        return "inet"

    def from_db_value(self, value: Any, _expression: object, _connection: object) -> Network | None:
        return None if value is None else ip_network(str(value))

    def to_python(self, value: Any) -> Network | None:
        return None if value is None else ip_network(str(value))

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else str(ip_network(str(value)))


class PrefixField(_Prefix, _Field):
    """An address prefix, stored as `inet`; a single address is a prefix of full length."""


class OptionalPrefixField(_Prefix, _OptionalField):
    """A prefix, or none."""

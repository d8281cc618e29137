"""Addresses as actuators on the network need them: those of an order, and only those that are the provider's."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from abusedesk.actuators.actuator import Order
from abusedesk.problem import Problem

Network = IPv4Network | IPv6Network


def own_prefixes(options: Mapping[str, Any], actuator: str) -> tuple[Network, ...]:
    """The option `prefixes`: the provider's own, outside of which nothing is touched. Raises Problem without one."""
    given = options.get("prefixes")
    if not isinstance(given, list) or not given:
        raise Problem(f'{actuator}: prefixes must name your own address space, as in ["192.0.2.0/24"]')
    return tuple(prefix_of(one, actuator, "prefixes") for one in given)


def prefix_of(value: Any, actuator: str, option: str) -> Network:
    """A prefix in an option. Raises Problem where it is none."""
    try:
        return ip_network(str(value))
    except ValueError as error:
        raise Problem(f"{actuator}: {option}: {error}") from None


def concerned(order: Order) -> tuple[Network, ...]:
    """What an order is about: its one address, or all that its service holds."""
    if order.ip is not None:
        return (ip_network(ip_address(order.ip)),)
    return tuple(ip_network(one) for one in order.addresses)


def foreign(networks: Iterable[Network], own: Iterable[Network]) -> Network | None:
    """The first network that does not lie within the provider's own prefixes."""
    space = tuple(own)
    return next((one for one in networks if not any(_within(one, each) for each in space)), None)


def _within(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.subnet_of(other)

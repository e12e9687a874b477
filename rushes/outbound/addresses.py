"""Which IP addresses an input's URL may lead to, and what address a host is spelled as; pure, no look-ups.

An address passes when it is public, or lies in a network the operator allowed. An IPv6 address that carries an IPv4
address inside (mapped, compatible, 6to4, Teredo, NAT64) is judged by that one. Whatever is not known to be public is
refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# First match wins, so narrow networks stand before the wide ones that hold them. From the IANA special-purpose
# registries; clouds publish their metadata services at the addresses named so.
_SPECIAL: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), what)
    for network, what in (
        ("169.254.169.254/32", "a cloud's metadata service"),
        ("169.254.170.2/32", "a cloud's metadata service"),
        ("169.254.170.23/32", "a cloud's metadata service"),
        ("100.100.100.200/32", "a cloud's metadata service"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("192.0.0.192/32", "a cloud's metadata service"),
        ("fd00:ec2::254/128", "a cloud's metadata service"),
        ("fd00:ec2::23/128", "a cloud's metadata service"),
        ("fd20:ce::254/128", "a cloud's metadata service"),
        ("0.0.0.0/32", "the unspecified address"),
        ("0.0.0.0/8", "a reserved address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address behind a carrier's NAT"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.31.196.0/24", "a reserved address"),
        ("192.52.193.0/24", "a reserved address"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("192.175.48.0/24", "a reserved address"),
        ("198.18.0.0/15", "a benchmark address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("64:ff9b:1::/48", "a private translation address"),
        ("100::/64", "a discard address"),
        ("2001:2::/48", "a benchmark address"),
        ("2001:db8::/32", "a documentation address"),
        ("2001::/23", "a reserved address"),
        ("3fff::/20", "a documentation address"),
        ("5f00::/16", "a reserved address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
    )
)
# Addresses with an IPv4 address inside are judged by that one; these prefixes are how they are recognised.
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_TEREDO = IPv6Network("2001::/32")
_GLOBAL_UNICAST = IPv6Network("2000::/3")

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")


def refusal(address: Address, allowed: Iterable[Network] = ()) -> str | None:
    """Say in words why the address must not be reached ("a loopback address"), or None when it may."""
    networks = tuple(allowed)
    if _within(address, networks):
        return None
    inner = list(_carried(address))
    if not inner:
        return _special(address)
    for carried in inner:
        what = None if _within(carried, networks) else _special(carried)
        if what is not None:
            return f"{what} ({carried}) written as IPv6"
    return None


def read_literal(host: str) -> Address | None:
    """Read a host as the address it spells, the way resolvers do; None when it is a name.

    Knows `[::1]`, zone ids, full-width digits, a trailing dot, and IPv4 in decimal, octal, hex and short forms such
    as 2130706433 and 0x7f.1.
    """
    text = unicodedata.normalize("NFKC", host).replace("。", ".").strip().strip("[]").partition("%")[0]
    try:
        return ip_address(text.rstrip(".") if ":" not in text else text)
    except ValueError:
        return _short_ipv4(text.removesuffix("."))


def _short_ipv4(text: str) -> IPv4Address | None:
    """The forms of inet_aton: one to four numbers, the last of which fills the bytes that are left."""
    parts = text.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *high, low = numbers
    if any(number > 255 for number in high) or low >= 256 ** (4 - len(high)):
        return None
    return IPv4Address(sum(number << (24 - 8 * index) for index, number in enumerate(high)) + low)


def _number(text: str) -> int:
    if text[:2].lower() == "0x":
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") and len(text) > 1 else 10)


def _carried(address: Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address would lead to."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address in _TEREDO and address.teredo is not None:
        yield from address.teredo
    # Up to ::ffff these are ::, ::1 and reserved ones, and carry no IPv4 address.
    elif address in _NAT64 or address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 0xFFFF):
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _special(address: Address) -> str | None:
    for network, what in _SPECIAL:
        if address.version == network.version and address in network:
            return what
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "a reserved address"
    # The standard library's word last, for what was reserved after this table was written.
    return None if address.is_global else "a reserved address"

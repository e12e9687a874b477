"""Which addresses may be reached, and how hosts spell them."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.outbound.addresses import read_literal, refusal

LOOPBACK = IPv4Address("127.0.0.1")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.31.255.255", "private"),
        ("192.168.0.1", "private"),
        ("fc00::1", "private"),
        ("fd12:3456::1", "private"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("169.254.169.254", "metadata"),
        ("100.100.100.200", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("168.63.129.16", "metadata"),
        ("100.64.0.1", "carrier"),
        ("100.127.255.255", "carrier"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "reserved"),
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("240.0.0.1", "reserved"),
        ("192.0.2.1", "documentation"),
        ("2001:db8::1", "documentation"),
        ("198.18.0.1", "benchmark"),
        ("4000::1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "metadata"),
        ("::127.0.0.1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a9fe:a9fe::1", "metadata"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::10.0.0.1", "private"),
        ("::ffff:0:127.0.0.1", "loopback"),
        ("2001:0:7f00:1::1", "loopback"),
    ],
)
def test_special_addresses_are_refused_by_their_name(text: str, what: str) -> None:
    assert what in (refusal(ip_address(text)) or "")


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_pass(text: str) -> None:
    assert refusal(ip_address(text)) is None


def test_an_allowed_network_passes_in_every_spelling_and_nothing_beside_it() -> None:
    allowed = [ip_network("10.0.0.0/24")]
    assert refusal(ip_address("10.0.0.7"), allowed) is None
    assert refusal(ip_address("::ffff:10.0.0.7"), allowed) is None
    assert refusal(ip_address("64:ff9b::10.0.0.7"), allowed) is None
    assert refusal(ip_address("10.0.1.7"), allowed) is not None


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_passes_that_the_standard_library_calls_special(address: IPv4Address) -> None:
    if refusal(address) is None:
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_passes_that_is_not_global_or_carries_a_good_one(address: IPv6Address) -> None:
    if refusal(address) is None:
        assert address in ip_network("2000::/3") or address.ipv4_mapped or address in ip_network("64:ff9b::/96")


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_like_the_plain_one(address: IPv4Address) -> None:
    number = int(address)
    for carrier in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert (refusal(IPv6Address(carrier)) is None) == (refusal(address) is None)


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_an_allowed_network_admits_all_of_itself(address: IPv4Address, bits: int) -> None:
    assert refusal(address, [IPv4Network((int(address), bits), strict=False)]) is None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7F.1",
        "017700000001",
        "0177.0.0.1",
        "0177.0.0.01",
        "127.1",
        "127.0.1",
        "127.0x0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
    ],
)
def test_every_spelling_of_loopback_is_read_as_it(host: str) -> None:
    assert read_literal(host) == LOOPBACK


@pytest.mark.parametrize("host", ["[::1]", "::1", "0:0:0:0:0:0:0:1", "::1%lo", "[::1%25lo]"])
def test_ipv6_hosts_are_read_without_brackets_and_zones(host: str) -> None:
    assert read_literal(host) == IPv6Address("::1")


@pytest.mark.parametrize(
    "host",
    ["example.com", "localhost", "1.2.3.4.5", "256.1.1.1", "08.0.0.1", "0x.example", "", ".", "1..2", "4294967296"],
)
def test_names_and_impossible_numbers_are_not_addresses(host: str) -> None:
    assert read_literal(host) is None


@given(st.ip_addresses(v=4), st.sampled_from(["{0}", "0x{0:x}", "0{0:o}"]))
def test_one_number_spells_an_address(address: IPv4Address, form: str) -> None:
    if int(address):
        assert read_literal(form.format(int(address))) == address


@given(st.text(max_size=40))
def test_reading_a_host_never_fails(host: str) -> None:
    assert read_literal(host) is None or read_literal(host) == read_literal(host)

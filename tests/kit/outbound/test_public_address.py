"""Which addresses are public: each row of the tables, and both edges of each network."""

from ipaddress import ip_address

import pytest

from koine.kit.outbound.public_address import reason_not_public

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
    "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255",
    "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
    "168.63.129.15", "168.63.129.17",
    "2001:200::1", "2001:db7::1", "2001:db9::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1",
    "3ffe::1", "3fff:1000::1",
    # IPv6 that stands for a public IPv4 address.
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2606:4700::5efe:8.8.8.8",
    "2606:4700::200:5efe:8.8.8.8",
]  # fmt: skip

REFUSED = {
    "unspecified": ["0.0.0.0", "0.255.255.255", "::ffff:0.0.0.0"],
    "private": [
        "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0",
        "192.168.255.255", "::ffff:10.1.2.3", "64:ff9b::c0a8:101", "2002:ac10::1",
        "2606:4700::5efe:10.0.0.1",
    ],
    "shared between a provider and its customers": ["100.64.0.0", "100.127.255.255"],
    "loopback": [
        "127.0.0.0", "127.255.255.255", "::ffff:7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2606:4700::200:5efe:127.0.0.1",
    ],
    "a cloud's internal host": [
        "168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::1",
        "2606:4700::5efe:168.63.129.16",
    ],
    "link-local": ["169.254.0.0", "169.254.255.255", "::ffff:169.254.169.254"],
    "reserved": ["192.0.0.0", "192.0.0.255", "240.0.0.0", "255.255.255.254", "2001:1::1",
                 "2001:2::", "2001:1ff::"],
    "for documentation": ["192.0.2.0", "198.51.100.255", "203.0.113.0", "2001:db8::", "3fff::",
                          "3fff:fff::"],
    "a relay's": ["192.88.99.0", "192.88.99.255"],
    "for benchmarking": ["198.18.0.0", "198.19.255.255"],
    "multicast": ["224.0.0.0", "239.255.255.255", "64:ff9b::e000:1"],
    "broadcast": ["255.255.255.255"],
    "a tunnel's (Teredo)": ["2001::", "2001:0:ffff::1"],
    "of one link alone": ["fe80::1%eth0", "2606:4700::1%1"],
    "not public": [
        "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b:1::8.8.8.8",
        "64:ff9b:0:1::8.8.8.8", "100::1", "1fff::1", "4000::1", "fbff::1", "fc00::1", "fdff::1",
        "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
    ],
}  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address(address: str) -> None:
    assert reason_not_public(ip_address(address)) == ""


@pytest.mark.parametrize(
    ("address", "reason"), [(each, why) for why, every in REFUSED.items() for each in every]
)
def test_an_address_that_is_not_public(address: str, reason: str) -> None:
    assert reason_not_public(ip_address(address)) == reason


METADATA = [
    "169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "169.254.42.42",
    "fd00:ec2::254", "fd20:ce::254", "fd00:42::42", "fe80::a9fe:a9fe", "64:ff9b::169.254.169.254",
    "::ffff:100.100.100.200", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1",
]  # fmt: skip


@pytest.mark.parametrize("address", METADATA)
def test_metadata_addresses_of_clouds_are_not_public(address: str) -> None:
    assert reason_not_public(ip_address(address))

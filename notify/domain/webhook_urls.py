"""Which addresses the shop's endpoints may have: those of the public internet, over HTTPS.

An endpoint's address is chosen by whoever has an API key, and called from inside the network. So nothing
there may be reached by it: OWASP, Server-Side Request Forgery Prevention.
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

LONGEST_URL: Final = 2_000
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits
_INSIDE: Final = (
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments, RFC 6890
    IPv6Network("fec0::/10"),  # site-local, RFC 3879
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)
"""What Python's `is_global` lets pass, in whole or in part, in the versions that this runs on."""
_IPV4_BITS: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class UrlRule:
    """What is allowed here. `private_hosts` may be in the network itself, and without TLS.

    `loopback`: so may this very machine, for development.
    """

    loopback: bool = False
    private_hosts: Collection[str] = ()

    def problem(self, url: str) -> str | None:
        """Return what is wrong with an address as it is written, if anything."""
        found = _malformed(url)
        if found:
            return found
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "http" and not self._without_tls(host):
            return "must begin with https://"
        literal = _literal(host)
        if literal and not self.allows(host, literal):
            return "must be an address of the public internet"
        return None

    def allows(self, host: str, address: IPv4Address | IPv6Address) -> bool:
        """Whether an address that the name `host` stands for may be called."""
        if host in self.private_hosts:
            return True
        inner = _inner(address)
        if inner.is_loopback:
            return self.loopback
        if inner.is_multicast or inner.is_reserved or any(inner in network for network in _INSIDE):
            return False
        return inner.is_global

    def _without_tls(self, host: str) -> bool:
        if host in self.private_hosts:
            return True
        literal = _literal(host)
        return self.loopback and (host == "localhost" or (literal is not None and literal.is_loopback))


def _malformed(url: str) -> str | None:
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return f"must be a URL of at most {LONGEST_URL} ASCII characters"
    try:
        parts = urlsplit(url)
        named = parts.hostname and parts.port != 0
    except ValueError:
        return "is not a URL"
    if parts.scheme not in {"https", "http"} or not named:
        return "must begin with https:// and name a host"
    if "@" in parts.netloc:
        return "may hold no user name and no password"
    return "may have no fragment" if "#" in url else None


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 one stands for, as gateways translate it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & _IPV4_BITS)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)

"""Where a message may go: a host is resolved once, its addresses are looked at, and the request goes to the address looked at.

Otherwise a setting, or whoever runs the name server of a webhook's host, could make this machine ask its own neighbours.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


class NotSent(Exception):  # noqa: N818
    """A message cannot go where it should; the message names the host and the way out, never a secret."""


@dataclass(frozen=True)
class Pinned:
    """A host and the address it stands for."""

    host: str
    address: str


def pinned(url: str, *, allow_private: bool) -> Pinned:
    """The address to connect to for `url`.

    Raises:
        NotSent: No https, no host, not resolvable, or private without `allow_private`.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise NotSent(
            f"host '{host}': messages go over https; set allow_private = true for one in your own network"
        )
    if not host or parts.username or parts.password:
        raise NotSent("the url of a robot needs a host and takes no user and password; give a token instead")
    try:
        found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise OSError(f"host '{host}' cannot be resolved: {error}") from error
    addresses = [str(one[4][0]) for one in found]
    private = [a for a in addresses if not _is_public(a)]
    if private and not allow_private:
        raise NotSent(
            f"host '{host}' resolves to {private[0]}, which is not public; set allow_private = true where that is meant"
        )
    return Pinned(host, addresses[0])


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast

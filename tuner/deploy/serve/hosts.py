"""The hosts that a server answers to. Without this check a web page whose name leads to this machine (DNS rebinding) could read the
server's answers in the user's browser."""

import socket
from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import ip_address
from urllib.parse import urlsplit

REFUSAL = "the request is for another host, or from a page of one; --allowed-host NAME allows a name"


def answers_to(host: str | None, origin: str | None, names: Iterable[str]) -> bool:
    """Whether a request with these headers is for this server: `Host` is an IP address, localhost, the machine's name or one of
    `names` (patterns such as *.example.org), and `Origin` the same server or one of `names`. A browser sends both where they
    matter; a request without them comes from another program."""
    names = [each.lower() for each in names]
    own = [*names, "localhost", "*.localhost", socket.gethostname().lower()]
    is_for_us = host is None or _matches(f"//{host}", own) or _is_address(_name(f"//{host}"))
    return is_for_us and (origin is None or origin.partition("://")[2] == host or _matches(origin, names))


def _matches(url: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(_name(url), each) for each in patterns)


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets without an address
        return ""


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False

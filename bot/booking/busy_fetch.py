"""Fetching a calendar from an address that somebody typed in, without harm.

The address is resolved first, and the connection goes to exactly the address that was checked: a
name that answers differently the second time cannot lead into the operator's own network.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from bot.errors import LotseError

MAXIMUM_BYTES = 2_000_000
TOTAL_SECONDS = 20.0
READ_SECONDS = 5.0
MAXIMUM_REDIRECTS = 3
MAXIMUM_URL = 1_000

Resolve = Callable[[str], list[str]]


class FetchRefusedError(LotseError):
    """The calendar cannot be fetched; ``reason`` is a key for the words that say why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def resolve(host: str) -> list[str]:
    """The addresses of a host by the system's resolver."""
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchRefusedError("unknown_host") from error
    return [str(entry[4][0]) for entry in found]


def cleaned(url: str) -> str:
    """The https address that was meant; ``webcal:`` is https by another name.

    Raises ``FetchRefusedError`` for anything else.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        if parts.scheme.lower() in ("webcal", "webcals"):
            parts = parts._replace(scheme="https")
        good = (
            len(url) <= MAXIMUM_URL
            and parts.scheme.lower() == "https"
            and bool(parts.hostname)
            and parts.username is None
            and parts.port in (None, 443)
        )
    except ValueError as error:
        raise FetchRefusedError("address") from error
    if not good or not url.isprintable() or " " in url:
        raise FetchRefusedError("address")
    return urlunsplit(parts._replace(fragment=""))


class Fetcher:
    """Fetches calendars. ``transport`` and ``resolve`` are replaced in tests."""

    def __init__(
        self, *, transport: httpx.BaseTransport | None = None, resolve: Resolve = resolve
    ) -> None:
        self._transport = transport
        self._resolve = resolve

    def fetch(self, url: str) -> bytes:
        """What stands at an address; raises ``FetchRefusedError`` when it is not to be had.

        At most ``MAXIMUM_BYTES`` are read within ``TOTAL_SECONDS``. Nothing but public addresses
        on the internet is asked, on port 443.
        """
        deadline = time.monotonic() + TOTAL_SECONDS
        for _ in range(MAXIMUM_REDIRECTS + 1):
            url = cleaned(url)
            content, onward = self._ask(url, deadline)
            if onward is None:
                return content
            url = urljoin(url, onward)
        raise FetchRefusedError("redirects")

    def _ask(self, url: str, deadline: float) -> tuple[bytes, str | None]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        address = self._checked_address(host)
        bracketed = f"[{address}]" if ":" in address else address
        request = httpx.Request(
            "GET",
            urlunsplit(parts._replace(netloc=bracketed)),
            headers={"Host": host, "Accept": "text/calendar", "Accept-Encoding": "identity"},
            # The certificate is that of the name, though the connection goes to the address.
            extensions={"sni_hostname": host},
        )
        timeout = httpx.Timeout(READ_SECONDS)
        try:
            with httpx.Client(
                transport=self._transport, timeout=timeout, trust_env=False
            ) as client:
                response = client.send(request, stream=True)
                try:
                    if response.is_redirect:
                        return b"", response.headers.get("Location", "")
                    if response.status_code != 200:
                        raise FetchRefusedError("status")
                    return _read(response, deadline), None
                finally:
                    response.close()
        except httpx.HTTPError as error:
            raise FetchRefusedError("unreachable") from error

    def _checked_address(self, host: str) -> str:
        addresses = self._resolve(host)
        if not addresses or not all(_is_public(address) for address in addresses):
            raise FetchRefusedError("private_address")
        return addresses[0]


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (mapped is None or bool(mapped.is_global))


def _read(response: httpx.Response, deadline: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > MAXIMUM_BYTES:
            raise FetchRefusedError("too_large")
        if time.monotonic() > deadline:
            raise FetchRefusedError("too_slow")
    return bytes(content)

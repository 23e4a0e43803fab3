"""Fetches a file to import from the web: bounded, and never from the inside of a network."""

from __future__ import annotations

import ipaddress
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx

from bot.errors import ImportRejectedError

MAXIMUM_REDIRECTS = 5
CHUNK = 1 << 16


@contextmanager
def fetched(
    url: str,
    *,
    maximum_bytes: int,
    seconds: float,
    private_addresses: bool,
    progress: Callable[[int], None] = lambda count: None,
) -> Iterator[BinaryIO]:
    """A temporary file with what stands at a web address.

    Only http and https, at most ``maximum_bytes`` after unpacking, at most ``seconds`` in
    all, and no address of a private or local network unless ``private_addresses``; each
    redirect is checked again, and the connection goes to the very address that was
    checked. Raises ``ImportRejectedError``.
    """
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryFile() as file:
        try:
            for _ in range(MAXIMUM_REDIRECTS + 1):
                target = _fetch(url, file, maximum_bytes, deadline, private_addresses, progress)
                if target is None:
                    break
                url = target
            else:
                raise ImportRejectedError([f"more than {MAXIMUM_REDIRECTS} redirects"])
        except httpx.HTTPError as error:
            reason = type(error).__name__
            raise ImportRejectedError([f"the address cannot be fetched: {reason}"]) from error
        file.seek(0)
        yield file


def _fetch(
    url: str,
    file: BinaryIO,
    maximum_bytes: int,
    deadline: float,
    private_addresses: bool,
    progress: Callable[[int], None],
) -> str | None:
    """Writes the answer into the file, or returns where a redirect leads."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImportRejectedError(["only addresses with http:// or https:// are fetched"])
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _public_address(parts.hostname, port, private_addresses)
    host = f"[{address}]" if ":" in address else address
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise ImportRejectedError(["fetching took too long"])
    with (
        httpx.Client(timeout=min(30.0, remaining), trust_env=False) as client,
        client.stream(
            "GET",
            httpx.URL(url).copy_with(host=host.strip("[]"), port=port),
            headers={"Host": parts.netloc.rpartition("@")[2], "Accept-Encoding": "gzip"},
            extensions={"sni_hostname": parts.hostname},
        ) as answer,
    ):
        if answer.is_redirect:
            return str(urljoin(url, answer.headers.get("location", "")))
        if answer.status_code != httpx.codes.OK:
            raise ImportRejectedError([f"the address answered {answer.status_code}"])
        count = 0
        for chunk in answer.iter_bytes(CHUNK):
            count += len(chunk)
            if count > maximum_bytes:
                raise ImportRejectedError([f"the answer is larger than {maximum_bytes} bytes"])
            if time.monotonic() > deadline:
                raise ImportRejectedError(["fetching took too long"])
            file.write(chunk)
            progress(count)
    return None


def _public_address(host: str, port: int, private_addresses: bool) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ImportRejectedError([f"the host {host[:80]} is not known"]) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not private_addresses:
        for address in addresses:
            if not ipaddress.ip_address(address.partition("%")[0]).is_global:
                raise ImportRejectedError(
                    [
                        f"the host {host[:80]} lies in a private network; "
                        "LOTSE_IMPORT_PRIVATE_ADDRESSES=true allows it"
                    ]
                )
    return addresses[0]

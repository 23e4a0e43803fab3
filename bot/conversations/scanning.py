"""Asking a virus scanner (clamd) about a file, if the installation has one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from bot.errors import ConfigurationError, LotseError

SECONDS = 30.0
CHUNK = 64 * 1024

Scan = Callable[[bytes], bool]
"""Whether a content is clean; raises ``ScannerUnavailableError``. Blocks."""


class ScannerUnavailableError(LotseError):
    """The scanner did not answer; nothing is known about the file."""


def no_scanner(content: bytes) -> bool:
    """Takes every file for clean, where no scanner is set up."""
    return True


def scanner(address: str) -> Scan:
    """The scanner at a Unix socket's path or ``host:port``; an empty address means none."""
    if not address:
        return no_scanner
    if address.startswith("/"):
        return lambda content: _ask(_unix(Path(address)), content)
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        raise ConfigurationError("LOTSE_CLAMD must be a socket's path or host:port")
    target = (host, int(port))
    return lambda content: _ask(lambda: socket.create_connection(target, SECONDS), content)


def _unix(path: Path) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(SECONDS)
        connection.connect(str(path))
        return connection

    return connect


def _ask(connect: Callable[[], socket.socket], content: bytes) -> bool:
    try:
        with connect() as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                piece = content[start : start + CHUNK]
                connection.sendall(len(piece).to_bytes(4, "big") + piece)
            connection.sendall((0).to_bytes(4, "big"))
            answer = _line(connection)
    except OSError as error:
        raise ScannerUnavailableError(type(error).__name__) from None
    if answer.endswith("OK"):
        return True
    if answer.endswith("FOUND"):
        return False
    raise ScannerUnavailableError("the scanner gave no verdict")


def _line(connection: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < 4096:
        piece = connection.recv(1024)
        if not piece:
            break
        answer += piece
    return answer.rstrip(b"\0").decode("utf-8", "replace").strip()

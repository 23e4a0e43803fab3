"""Files that people send: what is accepted, where the content stands, and how it goes again.

The content stands in ``<state directory>/files/<file>``, outside of everything that is served,
under names that the sender cannot choose. The database says what there is; a file
without its row is deleted by ``FileStore.sweep``, so whoever is forgotten takes the files along.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

import filetype
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import (
    Conversation,
    ConversationState,
    FileState,
    InboxMessage,
    StoredFile,
)
from bot.db.base import new_id
from bot.messages import Attachment

# The Bot API hands out no larger files.
MAXIMUM_SIZE = 20_000_000
FILES_PER_MESSAGE = 10
NAME_LENGTH = 120
ATTEMPTS = 6
RETRY = timedelta(seconds=20)
# Letters are photographed or scanned. Nothing that can run is accepted.
ACCEPTED = frozenset(
    {
        "application/pdf",
        "image/gif",
        "image/heic",
        "image/jpeg",
        "image/png",
        "image/webp",
    }
)
# A file is written before its row is committed; younger ones are left alone.
SWEEP_AGE = timedelta(minutes=2)

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def examine(content: bytes) -> tuple[FileState, str]:
    """What becomes of a file by its content alone, and its media type, empty when unknown.

    The name and whatever the sender declared are not believed.
    """
    if len(content) > MAXIMUM_SIZE:
        return FileState.TOO_LARGE, ""
    kind = filetype.guess(content)
    media_type = str(kind.mime) if kind is not None else ""
    if media_type not in ACCEPTED:
        return FileState.WRONG_TYPE, media_type
    return FileState.STORED, media_type


def safe_name(name: str) -> str:
    """A file name that shows what the sender called it and does nothing else."""
    shown = "".join(
        character
        for character in unicodedata.normalize("NFC", name)
        # Control and format characters could hide the real ending of a name.
        if unicodedata.category(character)[0] != "C" and character not in '/\\:*?"<>|'
    )
    return shown.strip(". ")[:NAME_LENGTH]


class FileStore:
    """The directory in which contents stand. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, file_id: str, content: bytes) -> None:
        """Stores the content durably; to be called before the row says ``STORED``."""
        path = self.path(file_id)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_suffix(".part")
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        unfinished.replace(path)

    def path(self, file_id: str) -> Path:
        """Where the content of a file stands, or would; raises ``ValueError`` for a wrong id."""
        if not _ID.fullmatch(file_id):
            raise ValueError("the ids of files are UUIDs")
        return self._directory / file_id

    def sweep(self, known: Collection[str], *, now: datetime) -> int:
        """Deletes contents whose ids are not ``known``, unless very young; returns how many."""
        deleted = 0
        for path in self._directory.glob("*"):
            age = now.timestamp() - path.stat().st_mtime
            if path.name not in known and age > SWEEP_AGE.total_seconds():
                path.unlink(missing_ok=True)
                deleted += 1
        return deleted


def announce(
    session: Session, message: InboxMessage, attachments: Collection[Attachment], *, now: datetime
) -> None:
    """Notes files that belong to a message: still to be fetched, or received with it."""
    session.add_all(
        StoredFile(
            id=one.stored_id or new_id(),
            conversation_id=message.conversation_id,
            inbox_message_id=message.id,
            state=_first_state(one),
            source=one.source[:300],
            name=safe_name(one.name),
            media_type=one.media_type if one.stored_id else "",
            size=max(one.size, 0),
            next_attempt_at=now,
            received_at=now,
        )
        for one in list(attachments)[:FILES_PER_MESSAGE]
    )


def _first_state(attachment: Attachment) -> FileState:
    if attachment.stored_id:
        return FileState.STORED
    # Whatever the platform says is too large is not fetched at all.
    return FileState.TOO_LARGE if attachment.size > MAXIMUM_SIZE else FileState.PENDING


def due(session: Session, *, now: datetime, limit: int) -> list[tuple[StoredFile, str]]:
    """Files to be fetched now with their channel, of conversations in the hands of people.

    What is sent to the bot alone is not fetched, for nobody would look at it.
    """
    found = session.execute(
        select(StoredFile, InboxMessage.channel)
        .join(InboxMessage, InboxMessage.id == StoredFile.inbox_message_id)
        .join(Conversation, Conversation.id == StoredFile.conversation_id)
        .where(
            StoredFile.state == FileState.PENDING,
            StoredFile.next_attempt_at <= now,
            Conversation.state != ConversationState.BOT,
        )
        .order_by(StoredFile.received_at)
        .limit(limit)
    )
    return [(file, channel) for file, channel in found]


def settle(file: StoredFile, state: FileState, *, media_type: str = "", size: int = 0) -> None:
    """Notes what became of a file."""
    file.state = state
    file.media_type = media_type[:100]
    file.size = size or file.size


def postpone(file: StoredFile, *, now: datetime) -> None:
    """Has a file fetched again later; after ``ATTEMPTS`` it is given up."""
    file.attempts += 1
    if file.attempts >= ATTEMPTS:
        file.state = FileState.GONE
    file.next_attempt_at = now + RETRY * file.attempts

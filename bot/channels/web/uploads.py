"""Files from the chat page: read with a limit, examined, stored, and then a message like others."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from bot.channels.web.incoming import RefusedError
from bot.channels.web.sessions import ChatSession
from bot.conversations.files import FileStore, examine, safe_name
from bot.conversations.inbox import find_conversation
from bot.conversations.models import ConversationState, FileState, StoredFile
from bot.conversations.scanning import Scan, ScannerUnavailableError
from bot.db.session import Database
from bot.messages import Attachment, IncomingMessage, Kind

MAXIMUM_UPLOAD = 10_000_000
FILES_PER_CONVERSATION = 40
CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Uploads:
    """Takes files for counsellors. To the bot alone nobody can send any."""

    database: Database
    store: FileStore
    scan: Scan

    async def take(self, request: Request, session: ChatSession) -> IncomingMessage:
        """The message that a stored file makes; raises ``RefusedError`` and keeps nothing then.

        A content whose message is not recorded afterwards is swept away.
        """
        if request.headers.get("Content-Type", "") != CONTENT_TYPE:
            raise RefusedError(415, "not_a_file")
        message_id = _message_id(request)
        await run_in_threadpool(self._require_counsellor, session)
        content = await _read(request)
        state, media_type = examine(content)
        if state is FileState.TOO_LARGE:
            raise RefusedError(413, "file_too_large")
        if state is not FileState.STORED:
            raise RefusedError(415, "file_type")
        try:
            if not await run_in_threadpool(self.scan, content):
                raise RefusedError(422, "file_refused")
        except ScannerUnavailableError:
            raise RefusedError(503, "unavailable", retry_seconds=30) from None
        file_id = str(uuid.uuid4())
        await run_in_threadpool(self.store.write, file_id, content)
        name = safe_name(request.query_params.get("name", ""))
        return IncomingMessage(
            channel=session.channel,
            address=session.address,
            external_id=session.external_id(message_id),
            kind=Kind.PHOTO if media_type.startswith("image/") else Kind.DOCUMENT,
            text=f"📎 {name}".strip(),
            attachments=(
                Attachment(stored_id=file_id, name=name, media_type=media_type, size=len(content)),
            ),
        )

    def _require_counsellor(self, session: ChatSession) -> None:
        with self.database.reading() as reading:
            conversation = find_conversation(
                reading, channel=session.channel, address=session.address
            )
            if conversation is None or conversation.state is ConversationState.BOT:
                raise RefusedError(409, "file_not_now")
            count = reading.scalar(
                select(func.count())
                .select_from(StoredFile)
                .where(StoredFile.conversation_id == conversation.id)
            )
            if (count or 0) >= FILES_PER_CONVERSATION:
                raise RefusedError(429, "too_many_files")


def _message_id(request: Request) -> str:
    try:
        return str(uuid.UUID(request.query_params.get("id", "")))
    except ValueError:
        raise RefusedError(422, "invalid") from None


async def _read(request: Request) -> bytes:
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > MAXIMUM_UPLOAD:
        raise RefusedError(413, "file_too_large")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAXIMUM_UPLOAD:
            raise RefusedError(413, "file_too_large")
    return bytes(content)

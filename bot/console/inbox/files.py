"""Files that a newcomer sent, for those who see the conversation; only as a download."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from starlette.responses import FileResponse, Response

from bot.console.inbox.routes import Counsellor, Number
from bot.console.services import Services
from bot.conversations.models import FileState, StoredFile
from bot.counsellors import audit
from bot.errors import NotFoundError
from bot.handover import inbox
from bot.handover.inbox import Viewer, window

ENDINGS = {
    "application/pdf": "pdf",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
}

router = APIRouter(prefix="/inbox/{handover_id}")


@router.get("/files/{file_id}")
def download(
    request: Request,
    services: Services,
    account: Counsellor,
    handover_id: Number,
    file_id: Annotated[str, Path(max_length=36)],
) -> Response:
    """The content. That it was opened is noted in the audit log, without its name."""
    viewer = Viewer.of(account)
    with services.database.transaction() as session:
        handover = inbox.visible(session, handover_id, viewer)
        file = session.get(StoredFile, file_id)
        if (
            file is None
            or file.conversation_id != handover.conversation_id
            or file.state is not FileState.STORED
            or not window(session, viewer, handover).holds(file.received_at)
        ):
            raise NotFoundError("There is no such file.")
        # Pictures are shown in the conversation; only what is opened on purpose is noted.
        if request.headers.get("Sec-Fetch-Dest") != "image":
            audit.record(
                session,
                "file.opened",
                actor=account,
                now=services.clock(),
                subject=f"handover:{handover_id}",
            )
    path = services.files.path(file.id)
    if not path.exists():
        raise NotFoundError("There is no such file.")
    return FileResponse(
        path,
        media_type=file.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(_name(file))}",
            # Even opened by itself it runs nothing and fetches nothing.
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        },
    )


def _name(file: StoredFile) -> str:
    """The sender's name with the ending that the content has."""
    stem = file.name.rpartition(".")[0] or file.name or "file"
    return f"{stem}.{ENDINGS[file.media_type]}"

"""The page itself: template, texts and static files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from bot.channels.web.incoming import MAXIMUM_TEXT
from bot.channels.web.texts import Gettext, page_texts
from bot.i18n.languages import LANGUAGES, direction

HERE = Path(__file__).parent
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

GettextFor = Callable[[str], Gettext]


class ChatPage:
    """Renders the page in one of ``languages`` and serves its files."""

    def __init__(self, *, languages: Sequence[str], gettext_for: GettextFor) -> None:
        self._languages = tuple(languages)
        self._gettext_for = gettext_for
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
        )
        self._template = environment.get_template("chat.html")
        self._files = {
            path.name: path
            for path in sorted((HERE / "static").iterdir())
            if path.suffix in MEDIA_TYPES
        }
        self.version = _fingerprint(self._files.values())

    def html(self, language: str) -> str:
        """The whole page."""
        data = self.data(language)
        return self._template.render(
            page=data, page_json=json.dumps(data, ensure_ascii=False), version=self.version
        )

    def data(self, language: str) -> dict[str, Any]:
        """What the script needs to know: texts, languages, limits."""
        return {
            "language": language,
            "direction": direction(language),
            "texts": page_texts(self._gettext_for(language)),
            "languages": [
                {
                    "code": code,
                    "name": LANGUAGES[code].endonym,
                    "direction": LANGUAGES[code].direction,
                }
                for code in self._languages
            ],
            "maximum_text": MAXIMUM_TEXT,
        }

    async def static(self, request: Request) -> Response:
        """A static file. With the present version in its path it may be kept for ever."""
        path = self._files.get(request.path_params["name"])
        if path is None:
            raise HTTPException(404)
        is_present = request.path_params["version"] == self.version
        caching = "public, max-age=31536000, immutable" if is_present else "no-cache"
        return FileResponse(
            path, media_type=MEDIA_TYPES[path.suffix], headers={"Cache-Control": caching}
        )


def _fingerprint(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]

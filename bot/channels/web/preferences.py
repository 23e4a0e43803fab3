"""Which language to show the page in, and to tell the dialogue as a first guess."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from bot.i18n.languages import from_platform, nearest_reply_language


def accepted_languages(request: Request) -> list[str]:
    """The tags of ``Accept-Language``, most wanted first; malformed parts are left out."""
    weighted = [_weighted(part) for part in request.headers.get("Accept-Language", "").split(",")]
    wanted = [(quality, tag) for quality, tag in weighted if quality > 0 and tag]
    # Sorting is stable: equally wanted languages keep the order they came in.
    return [tag for _, tag in sorted(wanted, key=lambda item: -item[0])]


def _weighted(part: str) -> tuple[float, str]:
    tag, _, parameter = part.partition(";")
    name, _, value = parameter.strip().partition("=")
    try:
        quality = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        quality = 0.0
    return quality, tag.strip()


def page_language(
    request: Request, *, served: Sequence[str], conversation_language: str | None
) -> str:
    """One of ``served``: as asked for in ``?language=``, else as spoken before, else as accepted.

    A link or QR code can thus open the page in a language of its own.
    """
    for wish in (request.query_params.get("language"), conversation_language):
        code = from_platform(wish)
        if code is not None and code in served:
            return code
    return accepted_reply_language(request, served=served)


def accepted_reply_language(request: Request, *, served: Sequence[str]) -> str:
    """The served language that the browser's user reads best."""
    known = [code for code in map(from_platform, accepted_languages(request)) if code]
    return next(
        (code for code in known if code in served),
        nearest_reply_language(known[0] if known else None, served),
    )

"""The ways a call may carry its parameters: query, form, multipart, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from tests.support.bot_api.spec import InvalidParameterError, UploadedFile


def parameters(*, query: str, content_type: str, body: bytes) -> dict[str, Any]:
    """All parameters of a call; files as ``UploadedFile``."""
    found: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    if not body:
        return found
    kind = content_type.split(";")[0].strip().lower()
    if kind == "application/json":
        found.update(_from_json(body))
    elif kind == "multipart/form-data":
        found.update(_from_multipart(content_type, body))
    else:
        found.update(parse_qsl(body.decode(), keep_blank_values=True))
    return _with_attachments(found)


def _from_json(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise InvalidParameterError("can't parse JSON object") from error
    if not isinstance(content, dict):
        raise InvalidParameterError("object expected")
    return content


def _from_multipart(content_type: str, body: bytes) -> Mapping[str, Any]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    found: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        disposition = part["content-disposition"].params
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            raise InvalidParameterError("can't parse multipart body")
        name = disposition["name"]
        if "filename" in disposition:
            found[name] = UploadedFile(disposition["filename"], content)
        else:
            found[name] = content.decode()
    return found


def _with_attachments(found: dict[str, Any]) -> dict[str, Any]:
    attached = {
        name: found.get(value.removeprefix("attach://"))
        for name, value in found.items()
        if isinstance(value, str) and value.startswith("attach://")
    }
    used = {found[name].removeprefix("attach://") for name in attached}
    return {name: attached.get(name, value) for name, value in found.items() if name not in used}

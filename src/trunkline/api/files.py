"""Files as bodies: small enough for memory, their size held against a limit before and while they are read."""

from __future__ import annotations

import hashlib
from typing import Any, Final, Protocol, cast

from django.http import HttpRequest

from trunkline.api.problems import FieldError, InvalidFields, too_large
from trunkline.core.errors import Invalid
from trunkline.tariffs.source import unfold

TEXT_KINDS: Final = ("text/csv", "text/plain", "application/octet-stream", "application/gzip", "application/zip")
SHOWN_LINES_MAX: Final = 1000
_PIECE: Final = 2**20


def body_of(*kinds: str) -> dict[str, Any]:
    """What an operation says in the OpenAPI document of a body that is a file."""
    said = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"requestBody": {"required": True, "content": said}}


def answer_of(kind: str, *others: str) -> dict[str, Any]:
    """What an operation says of an answer that is a file."""
    content = {each: {"schema": {"type": "string", "format": "binary"}} for each in (kind, *others)}
    return {"responses": {200: {"content": content}}}


def read_text_file(request: HttpRequest, *, octets_max: int) -> tuple[bytes, str]:
    """The text that a body is, plain or folded by gzip or zip, and the SHA-256 of the body as it came.

    Raises Invalid `unsupported_media_type`, `payload_too_large`, and as `tariffs.source.unfold` does.
    """
    kind = (request.content_type or "").lower()
    if kind and kind not in TEXT_KINDS:  # RFC 9110, 8.3: one that is not said may be taken for octets
        raise Invalid("unsupported_media_type", "The body is a file.", hint=f"Send it as {', '.join(TEXT_KINDS)}.")
    data, body_hash = read_octets(request, octets_max=octets_max)
    return unfold(data, octets_max=octets_max), body_hash


def read_octets(request: HttpRequest, *, octets_max: int) -> tuple[bytes, str]:
    """The body as it came, and its SHA-256. Raises Invalid `payload_too_large`."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > octets_max:
        raise too_large()
    pieces, octets = [], 0
    while piece := request.read(_PIECE):
        octets += len(piece)
        if octets > octets_max:
            raise too_large()
        pieces.append(piece)
    data = b"".join(pieces)
    return data, hashlib.sha256(data).hexdigest()


class LineProblem(Protocol):
    """What is wrong with a line of a file, as readers of files say it in the `problems` of their errors."""

    @property
    def line(self) -> int: ...

    @property
    def code(self) -> str: ...

    @property
    def text(self) -> str: ...


def by_line(error: Invalid) -> Invalid:
    """What is wrong with the lines of a file, line by line; any other error as it is."""
    lines = cast(list[LineProblem], error.context.get("problems", []))
    if not lines:
        return error
    shown = [FieldError(f"line={each.line}", each.code, each.text) for each in lines[:SHOWN_LINES_MAX]]
    return InvalidFields(shown, code=error.code, message=f"Nothing was loaded: {len(lines)} problems with its lines.")

"""Rate sheets as bodies: a form with the file, and how it is to be read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from trunkline.api.problems import too_large
from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.layout import Layout, from_json

SHEET_OCTETS_MAX: Final = 128 << 20
LAYOUT_OCTETS_MAX: Final = 1 << 20

_BINARY: Final = {"type": "string", "format": "binary"}
_FORM: Final = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": _BINARY | {"description": "The rate sheet: CSV of any kind, XLSX, XLS, ODS, or a zip of these."},
        "layout": _BINARY
        | {"description": "JSON with the layout to read it by, as `read_sheet` answers it; nothing is guessed then."},
    },
}
FORM: Final = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}}


@dataclass(frozen=True, slots=True)
class SheetFile:
    """A sheet that came with a request, and the layout that somebody has corrected."""

    name: str
    data: bytes
    layout: Layout | None


def read_form(request: HttpRequest) -> SheetFile:
    """The file of a form, and the layout beside it.

    Raises Invalid `unsupported_media_type`, `length_required`, `payload_too_large` before any of it is read; `malformed_form`, `file_missing`,
    `bad_layout`.
    """
    if (request.content_type or "").lower() != "multipart/form-data":
        raise Invalid("unsupported_media_type", "The body is no form.", hint="Send it as multipart/form-data.")
    said = request.META.get("CONTENT_LENGTH") or ""
    if not (said.isascii() and said.isdigit()):
        raise Invalid("length_required", "The request does not say how long its body is.")
    if int(said) > SHEET_OCTETS_MAX:
        raise too_large()
    try:
        file, layout = request.FILES.get("file"), request.FILES.get("layout")
        plain = request.POST.get("layout", "")
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise Invalid("malformed_form", "The form cannot be read.") from error
    if file is None:
        raise Invalid("file_missing", "The form has no `file`.")
    text = plain.encode() if layout is None else layout.read(LAYOUT_OCTETS_MAX + 1)
    return SheetFile(_name(file.name), file.read(), _layout(text) if text else None)


def _name(said: str | None) -> str:
    """The last part of a file's name, as it can be kept."""
    name = PurePath(said or "").name
    return "".join(each for each in name if each.isprintable())[-255:] or "sheet"


def _layout(octets: bytes) -> Layout:
    if len(octets) > LAYOUT_OCTETS_MAX:
        raise too_large()
    try:
        said: Any = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise Invalid("bad_layout", f"The layout is no JSON: {error}.") from error
    return from_json(said.get("layout", said) if isinstance(said, dict) else said)

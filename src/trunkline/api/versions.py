"""Versions of objects: an `ETag` with what is read, `If-Match` with what is written."""

from __future__ import annotations

import hashlib
from typing import Final

from django.http import HttpRequest, HttpResponse
from ninja import Schema

from trunkline.core.errors import Conflict

_OCTETS: Final = 12


def etag(shown: Schema) -> str:
    """The version of an object: a hash of what is shown of it, but for what its schema calls `UNVERSIONED`."""
    said = shown.model_dump_json(exclude=set(getattr(shown, "UNVERSIONED", ())))
    return f'"{hashlib.sha256(said.encode()).hexdigest()[: 2 * _OCTETS]}"'


def show(response: HttpResponse, shown: Schema) -> Schema:
    """The object, with its version in the headers of the answer."""
    response["ETag"] = etag(shown)
    return shown


def require_match(request: HttpRequest, shown: Schema) -> None:
    """Refuse a write that was meant for an earlier version. `shown`: the object as it is, its row locked. Raises Conflict `version_conflict`."""
    wanted = request.headers.get("If-Match")
    if wanted is not None and wanted != "*" and etag(shown) not in [each.strip() for each in wanted.split(",")]:
        raise Conflict("version_conflict", "The object has been changed since it was read.", hint="Read it again.")

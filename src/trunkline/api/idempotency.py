"""Idempotency keys: a request that is sent again with the same key has its first answer, and no second effect.

The answer is kept in the transaction of the effect. What failed before any effect is not kept, so it can be tried again; a conflict or a
refused payment is kept, by a transaction of its own, for it is an outcome. Kept for at least a day.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from trunkline.api.models import KeptAnswer
from trunkline.core.errors import Conflict, Invalid
from trunkline.identity.principal import Principal
from trunkline.tenancy.scope import scope

HEADER: Final = "Idempotency-Key"
KEY_LENGTH_MAX: Final = 255
KEPT_FOR: Final = timedelta(days=2)
OUTCOMES: Final = frozenset({402, 409})  # refusals that stay what they are, however often one asks
_HEADERS: Final = ("Location", "ETag")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with a key."""

    key: str
    credential: str
    method: str
    path: str
    body_hash: str


class Replayed(Exception):  # noqa: N818 - it is an answer, not an error
    """The request has been answered before; `response` is that answer."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def replay(request: HttpRequest, replayed: Any) -> HttpResponse:
    """The answer of a request that was answered before: what the API does with `Replayed`."""
    answer: HttpResponse = replayed.response
    return answer


def begin(request: HttpRequest, principal: Principal, *, body_hash: str | None = None) -> None:
    """Look up the key of a request, if it has one, and note it. Needs the tenant's scope. `body_hash`: of a body that was read as a file.

    Raises `Replayed` if it was answered; Conflict `idempotency_in_progress` while it is being answered; Invalid `idempotency_key_reused` if
    the key was another request's, `bad_idempotency_key`.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return
    if not 0 < len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise Invalid("bad_idempotency_key", f"{HEADER} has 1 to {KEY_LENGTH_MAX} printable ASCII characters.")
    hashed = hashlib.sha256(request.body).hexdigest() if body_hash is None else body_hash
    asked = Asked(key, principal.actor, request.method or "", request.get_full_path(), _sealed(hashed))
    if not _take_turn(principal.tenant_id, asked):
        raise Conflict("idempotency_in_progress", "The first request with this key is still being answered.")
    found = KeptAnswer.objects.filter(credential=asked.credential, key=key).first()
    if found is not None:
        if (found.method, found.path, found.body_hash) != (asked.method, asked.path, asked.body_hash):
            raise Invalid("idempotency_key_reused", f"{HEADER} was used for another request.")
        raise Replayed(_again(found))
    request.tl_idempotent = asked  # type: ignore[attr-defined]


def keep(request: Any, response: HttpResponseBase, *, at: datetime) -> None:
    """Keep the answer of a request: of an effect in its transaction, of a refusal that is an outcome after the rollback."""
    asked: Asked | None = getattr(request, "tl_idempotent", None)
    if asked is None or not isinstance(response, HttpResponse):
        return
    if 200 <= response.status_code < 300:
        _write(asked, response, at)
    elif response.status_code in OUTCOMES:
        request.tl_scope.afterwards(partial(_keep_outcome, request.principal, asked, response, at))


def _keep_outcome(principal: Principal, asked: Asked, response: HttpResponse, at: datetime) -> None:
    with scope(principal.tenant_id, principal.actor):
        _write(asked, response, at)


def _write(asked: Asked, response: HttpResponse, at: datetime) -> None:
    KeptAnswer.objects.bulk_create(
        [
            KeptAnswer(
                credential=asked.credential,
                key=asked.key,
                method=asked.method,
                path=asked.path,
                body_hash=asked.body_hash,
                status=response.status_code,
                content_type=response["Content-Type"],
                headers={name: response[name] for name in _HEADERS if name in response},
                body=response.content,
                created_at=at,
            )
        ],
        ignore_conflicts=True,  # of two that were refused at once the first says how
    )


def _again(found: KeptAnswer) -> HttpResponse:
    response = HttpResponse(bytes(found.body), status=found.status, content_type=found.content_type)
    for name, value in found.headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response


def _take_turn(tenant_id: int, asked: Asked) -> bool:
    """Whether nobody else is at the same key now. Held until the transaction ends."""
    words = f"idempotency\x1f{tenant_id}\x1f{asked.credential}\x1f{asked.key}"
    number = int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        row: Any = cursor.fetchone()
    return bool(row[0])


def _sealed(body_hash: str) -> str:
    """What is kept of a body: it may hold a password, which could be guessed by its plain hash."""
    return salted_hmac(HEADER, body_hash, algorithm="sha256").hexdigest()

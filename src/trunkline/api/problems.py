"""Errors as the API says them: problems of RFC 9457 with a stable `code`, one shape for every status.

    400 malformed_json           the body is no JSON; malformed_form: it is no form; incomplete_body: it ended before its end
    401 invalid_api_key          no key, or one that does not hold
    403 Denied                   the key lacks the permission, or its address is not allowed
    404 NotFound                 absent, or another tenant's: one text for both
    409 Conflict                 what is already true stands in the way
    411 length_required          a file without its length
    412 version_conflict         the object has changed since it was read
    413, 415                     too large, of another kind
    422 Invalid                  well-formed and wrong
    429 rate_limited             too often; `Retry-After` says when again
    503 Unavailable              not now; `Retry-After` says when again

Whatever an operation had written before its error is taken back, also where the answer is not a server's error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from traceback import extract_tb
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import BaseModel, Field

from trunkline.core.errors import Busy, Conflict, Denied, Invalid, NotFound, TrunklineError, Unavailable
from trunkline.identity.actions import Refused, note_denial
from trunkline.identity.queries import invalid_key
from trunkline.kit.clock import now
from trunkline.kit.logs import log
from trunkline.tenancy.scope import scope

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "https://trunkline.example/problems/"
RETRY_S: Final = 5  # a server that is restarted is back by then
_STATUS: Final[dict[type[TrunklineError], int]] = {
    NotFound: 404,
    Denied: 403,
    Conflict: 409,
    Invalid: 422,
    Busy: 503,
    Unavailable: 503,
}
_NOT_KEPT: Final = frozenset({"rate_limited"})  # it says nothing of what somebody may
# Codes that have a status of their own in HTTP.
_STATUS_OF_CODE: Final = {
    "incomplete_body": 400,
    "malformed_form": 400,
    "invalid_api_key": 401,
    "length_required": 411,
    "version_conflict": 412,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one value. `pointer` is a JSON pointer (RFC 6901) into the body, `?name` for a parameter of the address, or `line=7` of
    a file (RFC 5147)."""

    pointer: str
    code: str
    detail: str


class FieldProblem(BaseModel):
    """What is wrong with one value of a request."""

    pointer: str = Field(
        description="JSON pointer into the body; `?name`: a parameter of the address; `line=7`: a line of the file."
    )
    code: str
    detail: str


class Problem(BaseModel):
    """An error as RFC 9457 has it; `code` is stable and meant for programs, `detail` for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    errors: list[FieldProblem] = []


class InvalidFields(Invalid):
    """Several values of a request, or lines of a file, are wrong."""

    def __init__(self, errors: Iterable[FieldError], *, code: str = "validation_failed", message: str = "") -> None:
        self.errors = list(errors)
        count = len(self.errors)
        super().__init__(code, message or f"{count} field{'' if count == 1 else 's'} of the request cannot be taken.")

    def __reduce__(self) -> tuple[object, ...]:
        return partial(InvalidFields, code=self.code, message=self.message), (self.errors,)


def problem(
    request: HttpRequest, *, status: int, code: str, detail: str, errors: Iterable[FieldError] = (), hint: str = ""
) -> JsonResponse:
    """The answer that says an error."""
    body: dict[str, Any] = {
        "type": f"{TYPE}{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": f"{detail} {hint}".strip(),
        "instance": request.path,
        "request_id": getattr(request, "request_id", ""),
    }
    listed = [{"pointer": each.pointer, "code": each.code, "detail": each.detail} for each in errors]
    if listed:
        body["errors"] = listed
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="trunkline"'
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        response["Retry-After"] = str(RETRY_S)
    return response


def of_error(request: HttpRequest, error: TrunklineError) -> JsonResponse:
    """The problem that one of our errors is."""
    status = _STATUS_OF_CODE.get(error.code) or next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    errors = error.errors if isinstance(error, InvalidFields) else ()
    # Some hints speak of commands and their options, which whoever uses the API does not type.
    hint = "" if "`trunkline" in error.hint or "--" in error.hint else error.hint
    response = problem(request, status=status, code=error.code, detail=error.message, hint=hint, errors=errors)
    retry_after = error.context.get("retry_after_s")
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def install(api: NinjaAPI) -> None:
    """Have the API answer every error with a problem and take back what the operation had written."""

    def handle(kind: type[Exception], answer: Any) -> None:
        def handler(request: HttpRequest, error: Any) -> HttpResponse:
            request.tl_scope.rollback()  # type: ignore[attr-defined]
            said: HttpResponse = answer(request, error)
            return said

        api.add_exception_handler(kind, handler)

    handle(TrunklineError, _of_ours)
    handle(ValidationError, _of_validation)
    handle(AuthenticationError, lambda request, _: of_error(request, invalid_key()))
    handle(Http404, lambda request, _: of_error(request, not_found()))
    handle(RequestDataTooBig, lambda request, _: of_error(request, too_large()))
    handle(HttpError, _of_http)
    handle(Exception, _of_fault)


def _of_ours(request: HttpRequest, error: TrunklineError) -> JsonResponse:
    if isinstance(error, Denied) and error.code not in _NOT_KEPT:
        _keep(request, error)
    return of_error(request, error)


def _keep(request: Any, error: Denied) -> None:
    """Have a denial of a known key written down, in a scope of its own, when this one has been taken back."""
    asking = getattr(request, "tl_asking", None)
    if asking is None or asking.entered is None:
        return
    (tenant_id, actor), match = asking.entered, request.resolver_match
    refused = Refused(actor, error, request.method or "", match.route if match else "", request.META["REMOTE_ADDR"])

    def note() -> None:
        with scope(tenant_id, actor):
            note_denial(refused, at=now())

    request.tl_scope.afterwards(note)


def not_found() -> NotFound:
    """Absent and foreign alike."""
    return NotFound("not_found", "There is nothing at this address.")


def too_large() -> Invalid:
    """More than the server takes in memory."""
    return Invalid("payload_too_large", "The body is larger than this operation takes.")


def _of_validation(request: HttpRequest, error: ValidationError) -> JsonResponse:
    return of_error(request, InvalidFields(_field_error(each) for each in error.errors))


def _field_error(said: dict[str, Any]) -> FieldError:
    """Of what pydantic says. Its places begin with where the value came from: body, query, path."""
    source, *place = said["loc"]
    if source == "body":
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place[1:])
    else:
        pointer = f"?{place[-1]}" if place else "?"
    return FieldError(pointer=pointer, code=said["type"], detail=said["msg"])


def _of_http(request: HttpRequest, error: HttpError) -> JsonResponse:
    code = "malformed_json" if error.status_code == HTTPStatus.BAD_REQUEST else "refused"
    return problem(
        request, status=error.status_code, code=code, detail="The body of the request cannot be read as JSON."
    )


def _of_fault(request: HttpRequest, error: Exception) -> JsonResponse:
    places = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
    log(
        "request_failed", level="error", error=type(error).__name__, at=" ".join(places[-8:])
    )  # its text may hold personal data
    return problem(
        request,
        status=500,
        code="internal_error",
        detail="Something went wrong here; it has been logged under the request id.",
    )

"""Pages that belong to no room: errors, and what machines ask (`/health`, `/ready`, `/metrics`)."""

from __future__ import annotations

from typing import Any, Final

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from trunkline.backoffice.hints import hint_text
from trunkline.backoffice.rooms import in_words
from trunkline.core.errors import Busy, Conflict, Denied, Invalid, NotFound, TrunklineError, Unavailable
from trunkline.kit.logs import log
from trunkline.platform.metrics import METHODS

STATUS: Final[tuple[tuple[type[TrunklineError], int], ...]] = (
    (NotFound, 404),
    (Denied, 403),
    (Conflict, 409),
    (Invalid, 422),
    (Busy, 503),
    (Unavailable, 503),
)


def status_of(error: TrunklineError) -> int:
    """The HTTP status of an error of ours."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def error_page(request: HttpRequest, error: TrunklineError) -> HttpResponse:
    """An error of ours as a page. What is absent and what is another tenant's give the same one, to the letter."""
    status = status_of(error)
    if status == 404:
        return not_found(request, error)
    return _page(request, status, in_words(error.message), hint_text(error))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return _page(request, 404, _("There is nothing here, or nothing that you may see."), "")


def denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return _page(request, 403, _("You may not do this."), "")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _page(request, 400, _("The request cannot be understood."), "")


def method_not_allowed(request: HttpRequest) -> HttpResponse:
    """405, for methods that no page and no operation has, such as TRACE."""
    page = _page(request, 405, _("The request cannot be understood."), "")
    page["Allow"] = ", ".join(sorted(METHODS))
    return page


def server_error(request: HttpRequest) -> HttpResponse:
    """500. Nothing of what the page was at has been written."""
    number = getattr(request, "request_id", "")
    return _page(request, 500, _("Something went wrong here. Nothing was changed."), _("Request %s") % number)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form from elsewhere, or from a page that is too old."""
    log("csrf_refused", level="warning")
    return _page(request, 403, _("This form is out of date."), _("Load the page again and repeat it."))


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None, *args: Any) -> HttpResponse:
    """Too many failed sign-ins of one name from one address; the same whether or not the name exists."""
    log("signin_locked_out", level="warning")
    page = _page(
        request, 429, _("Too many failed attempts to sign in."), _("Wait a quarter of an hour, or reset the password.")
    )
    page["Retry-After"] = "900"
    return page


def _page(request: HttpRequest, status: int, message: str, hint: str) -> HttpResponse:
    """Without a context processor and without a query: the transaction around it may be past use."""
    return render(None, "error.html", {"status": status, "message": message, "hint": hint}, status=status)


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Whether this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Whether this process can work: the database answers and its tables are those of this version."""
    from trunkline.cli.ready import wanted_migrations

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app || '.' || name FROM django_migrations")
            done = {row[0] for row in cursor.fetchall()}
    except Error:
        return JsonResponse({"ready": False, "reason": "database_unreachable"}, status=503)
    if not wanted_migrations() <= done:
        return JsonResponse({"ready": False, "reason": "migrations_missing"}, status=503)
    return JsonResponse({"ready": True})


@never_cache
@require_safe
def metrics(request: Any) -> HttpResponse:
    """Figures for Prometheus: from this machine without a proxy, or for the platform's staff; for everybody else they are not there."""
    from trunkline.platform.metrics import exposition

    user = request.user
    if not (request.is_from_this_machine or (user.is_authenticated and user.is_active and user.is_platform_staff)):
        return not_found(request)
    text, kind = exposition()
    return HttpResponse(text, content_type=kind)

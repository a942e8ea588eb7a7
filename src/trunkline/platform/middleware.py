"""What happens around every page: who asks, in whose data, and what may stay of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse

from trunkline.core.errors import Denied, TrunklineError
from trunkline.core.ids import uuid7
from trunkline.identity.actions import Refused, note_denial
from trunkline.identity.actions.sessions import TENANT_KEY
from trunkline.identity.opener import Opener
from trunkline.identity.outside import Outside
from trunkline.identity.principal import Principal, staff_session_actor, user_actor
from trunkline.identity.queries import principal_of_staff_session, principal_of_user, tenant_ids_of_user
from trunkline.kit import clock
from trunkline.kit.logs import log, logging_with
from trunkline.platform import metrics
from trunkline.platform.gate import CAME_AT, MACHINE, STATIC, stepped_aside
from trunkline.platform.pages import bad_request, error_page, method_not_allowed
from trunkline.platform.proxies import client_address, is_among
from trunkline.tenancy.scope import scope

GetResponse = Callable[[HttpRequest], Any]

REQUEST_ID: Final = re.compile(r"[0-9A-Za-z._-]{8,64}", re.ASCII)
FORWARDING: Final = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED", "HTTP_X_REAL_IP")  # fmt: skip

# What a signed-in session remembers, besides where the person works (TENANT_KEY).
STAFF_SESSION_KEY: Final = "staff_session_id"

# Pages that belong to no tenant: sign-in, the platform's own, and what machines ask.
UNSCOPED: Final = ("/accounts/", "/platform/")
API: Final = "/api/"
# allauth says by exceptions what is no error: what was written before them stays.
ANSWERS: Final = (ImmediateHttpResponse, ReauthenticationRequired)


class RequestMiddleware:
    """Outermost: gives the request its id and its client's true address, and logs and counts how it ended."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        begun = request.META.get(CAME_AT) or time.perf_counter()
        self._know_the_client(request)
        with logging_with(request_id=request.request_id):
            response = self.get_response(request) if request.method in metrics.METHODS else method_not_allowed(request)
            response["X-Request-Id"] = request.request_id
            self._report(request, response, time.perf_counter() - begun)
        return response

    def _know_the_client(self, request: Any) -> None:
        meta = request.META
        peer = meta.get("REMOTE_ADDR", "")
        request.is_forwarded = any(name in meta for name in FORWARDING)
        request.is_from_this_machine = is_among(peer, ("127.0.0.0/8", "::1/128", "unix")) and not request.is_forwarded
        is_trusted = is_among(peer, settings.TRUSTED_PROXIES)
        meta["REMOTE_ADDR"] = client_address(peer, meta.get("HTTP_X_FORWARDED_FOR", ""), settings.TRUSTED_PROXIES)
        if not is_trusted:  # a stranger's word for https or for his request counts for nothing
            for name in FORWARDING:
                meta.pop(name, None)
        given = meta.get("HTTP_X_REQUEST_ID", "") if is_trusted else ""
        request.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{uuid7().hex}"
        request.principal = None

    def _report(self, request: Any, response: Any, seconds: float) -> None:
        match = request.resolver_match
        is_file = match is None and request.path.startswith(STATIC)
        route = match.route if match is not None else "static" if is_file else "unresolved"
        principal: Principal | None = request.principal
        said = {} if principal is None else {"tenant": principal.tenant_id, "actor": principal.actor}
        if not is_file and request.path not in MACHINE:
            log(
                "request",
                level="error" if response.status_code >= 500 else "info",
                method=request.method if request.method in metrics.METHODS else "other",
                route=route,
                status=response.status_code,
                ms=round(seconds * 1000),
                **said,
            )
        metrics.observe(method=request.method or "", route=route, status=response.status_code, seconds=seconds)


class ContentSecurityMiddleware:
    """Says to browsers what a page may load and do: nothing inline and no eval, but on Unfold's pages (docs/adr/008); and to keep none of it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        is_unfold = request.path.startswith(settings.BACKOFFICE_PREFIX)
        response.headers.setdefault(
            "Content-Security-Policy", settings.CONTENT_SECURITY_UNFOLD if is_unfold else settings.CONTENT_SECURITY
        )
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
        if not request.path.startswith(
            STATIC
        ):  # who goes back after signing out, or has the same proxy, sees nothing of it
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class ScopeMiddleware:
    """The whole page, with its rendering, is one transaction in the data of the tenant that the person has chosen.

    It stays only if the answer is no error. Who is not signed in is sent to the sign-in; who has chosen no tenant, to choose one.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        if request.path.startswith(API):
            return self._with_opener(request)
        if request.path in MACHINE or request.path.startswith(STATIC):
            return self.get_response(request)
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):  # no text of PostgreSQL's has it
            return bad_request(request)
        if request.path.startswith(UNSCOPED):
            return self._without_tenant(request)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
        tenant_id = chosen_tenant(request)
        if tenant_id is None:
            return HttpResponseRedirect(reverse("choose_tenant"))
        try:
            return self._inside(request, tenant_id)
        except _NotAdmitted as refused:
            return self._refuse(request, tenant_id, refused.error)

    def process_exception(self, request: Any, error: Exception) -> HttpResponse | None:
        """A view that ends with an error leaves nothing written, also where the answer is a 404 or a 409."""
        request.has_failed = not isinstance(error, ANSWERS)
        if not isinstance(error, TrunklineError) or request.path.startswith(API):
            return None
        if isinstance(error, Denied):
            request.denied = error
        return error_page(request, error)

    def _inside(self, request: Any, tenant_id: int) -> Any:
        """The answer; what it asks to have done outside is done when the scope is closed, and shown in one of its own."""
        response = self._in_scope(request, tenant_id, lambda: self._answer(request))
        while isinstance(response, Outside):
            with stepped_aside(request.META):
                result = response.work()
            shown = partial(response.then, result)
            response = self._in_scope(request, tenant_id, shown)
        return response

    def _in_scope(self, request: Any, tenant_id: int, answer: Callable[[], Any]) -> Any:
        session_id = request.session.get(STAFF_SESSION_KEY)
        actor = user_actor(request.user.pk) if session_id is None else staff_session_actor(session_id)
        with scope(tenant_id, actor, context=history_context(request)), logging_with(tenant=tenant_id, actor=actor):
            request.principal = _admitted(request, session_id)
            response = answer()
        denied: Denied | None = getattr(request, "denied", None)
        if denied is not None:
            _note(request, tenant_id, actor, denied)
        return response

    def _without_tenant(self, request: Any) -> Any:
        with transaction.atomic():
            response = self._answer(request)
        denied: Denied | None = getattr(request, "denied", None)
        if denied is not None:
            _log_denied(request, denied)
        return response

    def _answer(self, request: Any) -> Any:
        response = self.get_response(request)
        if _has_failed(request, response):
            transaction.set_rollback(True)
        return response

    def _refuse(self, request: Any, tenant_id: int, error: Denied) -> HttpResponse:
        if error.code == "network_not_allowed":
            _note(request, tenant_id, user_actor(request.user.pk), error)
            return error_page(request, error)
        _log_denied(request, error)
        forget_tenant(request)
        return HttpResponseRedirect(reverse("choose_tenant"))

    def _with_opener(self, request: Any) -> Any:
        with Opener() as request.tl_scope:
            response = self.get_response(request)
            if _has_failed(request, response):
                request.tl_scope.rollback()
        return response


def _has_failed(request: Any, response: Any) -> bool:
    return response.status_code >= 500 or getattr(request, "has_failed", False)


def _log_denied(request: Any, error: Denied) -> None:
    log("denied", level="warning", code=error.code, user=request.user.pk, **_permission(error))


def _note(request: Any, tenant_id: int, actor: str, error: Denied) -> None:
    """Keep a denial, in a scope of its own: that of the page has been taken back. The person has their answer also where this fails."""
    with logging_with(tenant=tenant_id, actor=actor):
        _log_denied(request, error)
    refused = Refused(actor, error, request.method or "", _route(request), request.META["REMOTE_ADDR"])
    try:
        with scope(tenant_id, actor):
            note_denial(refused, at=clock.now())
    except DatabaseError as failure:
        log("denial_not_kept", level="warning", error=type(failure).__name__)


def _route(request: Any) -> str:
    match = request.resolver_match
    try:
        return (match or resolve(request.path_info)).route or "/"
    except Resolver404:
        return "unresolved"


def _permission(error: Denied) -> dict[str, object]:
    return {name: value for name, value in error.context.items() if name == "permission"}


class _NotAdmitted(Exception):  # noqa: N818 - leaves the scope with what it carries
    def __init__(self, error: Denied) -> None:
        super().__init__(error.code)
        self.error = error


def _admitted(request: Any, session_id: int | None) -> Principal:
    at, address = clock.now(), request.META["REMOTE_ADDR"]
    try:
        if session_id is not None:
            return principal_of_staff_session(session_id=session_id, user=request.user, at=at)
        return principal_of_user(user_id=request.user.pk, address=address, at=at)
    except Denied as error:
        raise _NotAdmitted(error) from error


def history_context(request: Any) -> dict[str, object]:
    """What the history says of a change besides actor and reason: page, address and request."""
    return {"url": request.path, "address": request.META["REMOTE_ADDR"], "request_id": request.request_id}


def chosen_tenant(request: Any) -> int | None:
    """The tenant that the signed-in person works in; who works for one only need not choose."""
    chosen: int | None = request.session.get(TENANT_KEY)
    if chosen is None:
        ids = tenant_ids_of_user(request.user.pk, clock.now())
        if len(ids) == 1:
            choose_tenant(request, ids[0])
            return ids[0]
    return chosen


def choose_tenant(request: Any, tenant_id: int, *, staff_session_id: int | None = None) -> None:
    """Work in that tenant from now on; whether one may is asked anew at every request."""
    request.session[TENANT_KEY] = tenant_id
    if staff_session_id is None:
        request.session.pop(STAFF_SESSION_KEY, None)
    else:
        request.session[STAFF_SESSION_KEY] = staff_session_id


def forget_tenant(request: Any) -> None:
    """Work in no tenant."""
    request.session.pop(TENANT_KEY, None)
    request.session.pop(STAFF_SESSION_KEY, None)

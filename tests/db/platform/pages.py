"""Pages of the tests: each does something in the open scope, and then what its address says."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path

from tests.databases import AT
from trunkline.core.errors import Busy, Conflict, Denied, Invalid, NotFound, Unavailable
from trunkline.identity.models import ApiKey, Role
from trunkline.identity.opener import enter_with_key
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.identity.queries import roles
from trunkline.kit import clock
from trunkline.platform.urls import handler400, handler403, handler404, handler500
from trunkline.platform.urls import urlpatterns as ours

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

ERRORS = {
    "not_found": NotFound("x_not_found", "There is no x 17."),
    "denied": Denied("permission_missing", "This needs x."),
    "conflict": Conflict("x_exists", "There is an x already."),
    "invalid": Invalid("bad_x", "x is bad.", hint="Give a good one."),
    "unavailable": Unavailable("x_away", "x is away."),
    "busy": Busy("x_busy", "x is busy."),
    "http404": Http404("secret"),
    "bug": RuntimeError("secret"),
}


def who(request: Any) -> JsonResponse:
    principal = principal_of(request)
    return JsonResponse({"tenant": principal.tenant_id, "actor": principal.actor, "kind": principal.kind})


def asks(request: Any, permission: str) -> HttpResponse:
    principal_of(request).require(Permission(permission))
    return HttpResponse("done")


def writes(request: Any, then: str) -> HttpResponse:
    Role.objects.create(name=then, created_at=AT)
    if then in ERRORS:
        raise ERRORS[then]
    if then == "broken":
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
    return HttpResponseRedirect("/who/") if then == "302" else HttpResponse(then, status=int(then))


def looks(request: Any, key: str) -> HttpResponse:
    found = ApiKey.objects.filter(public_id=key).first()
    if found is None:
        raise NotFound("key_not_found", "There is no such key.")
    return HttpResponse(found.name)


def renders(request: Any) -> TemplateResponse:
    """The rows are read when the page is rendered, which is after the view."""
    template = engines["django"].from_string("{% for role in roles %}{{ role.name }};{% endfor %}")
    return TemplateResponse(request, template, {"roles": roles()})


def api_writes(request: Any, then: str) -> HttpResponse:
    """As the API's authentication does it."""
    text = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        request.principal = enter_with_key(
            request.tl_scope, text, address=request.META["REMOTE_ADDR"], at=clock.now(), context={"url": request.path}
        )
    except Denied as error:
        return JsonResponse({"code": error.code}, status=401)
    return writes(request, then)


urlpatterns = [
    path("who/", who),
    path("asks/<str:permission>/", asks),
    path("writes/<str:then>/", writes),
    path("looks/<str:key>/", looks),
    path("renders/", renders),
    path("office/who/", who),
    path("api/v1/writes/<str:then>/", api_writes),
    *ours,
]

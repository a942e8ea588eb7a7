"""Where somebody works who has signed in."""

from __future__ import annotations

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trunkline.core.errors import Denied
from trunkline.identity.actions import change_user
from trunkline.identity.principal import principal_of, user_actor
from trunkline.identity.queries import tenant_ids_of_user
from trunkline.kit import clock
from trunkline.platform.accounts.forms import EnterForm, ProfileForm
from trunkline.platform.accounts.language import speak_as_chosen
from trunkline.platform.accounts.visits import begin_visit, end_visit
from trunkline.platform.middleware import choose_tenant
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.queries import current_tenant
from trunkline.tenancy.rules import Standing, last_trial_day, standing_of
from trunkline.tenancy.scope import scope


@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Where one is after signing in."""
    tenant, at = current_tenant(), clock.now()
    context = {
        "tenant": tenant,
        "principal": principal_of(request),
        "trial_day": last_trial_day(tenant),
        "is_over": standing_of(tenant, at) is Standing.TRIAL_ENDED,
    }
    return render(request, "accounts/home.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: Any) -> HttpResponse:
    """Name and language, and the ways to password, second factor, passkeys and sessions."""
    user = request.user
    given = request.POST if request.method == "POST" else None
    form = ProfileForm(given, initial={"name": user.name, "language": user.language})
    if request.method == "POST" and form.is_valid():
        change_user(user=user, **form.cleaned_data)
        messages.success(request, _("Your profile is kept."))
        return speak_as_chosen(HttpResponseRedirect(reverse("profile")), user)
    context = {"form": form, "has_second_factor": is_mfa_enabled(user)}
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: Any) -> HttpResponse:
    """Choose one of the operators that one works for; the platform's staff may also enter one."""
    ids = tenant_ids_of_user(request.user.pk, clock.now())
    if request.method == "POST":
        wanted = request.POST.get("tenant", "")
        if wanted not in map(str, ids):
            raise Denied("not_a_member", _("You do not work here."))
        end_visit(request)
        choose_tenant(request, int(wanted))
        return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL)
    return _choices(request, ids, EnterForm())


def _choices(request: Any, ids: list[int], form: EnterForm, status: int = 200) -> HttpResponse:
    tenants = [_tenant(tenant_id, request.user.pk) for tenant_id in ids]
    return render(request, "accounts/choose.html", {"tenants": tenants, "enter_form": form}, status=status)


def _tenant(tenant_id: int, user_id: int) -> Tenant:
    with scope(tenant_id, user_actor(user_id)):
        return current_tenant()


@never_cache
@login_required
@require_POST
def enter(request: Any) -> HttpResponse:
    """Open a staff session; asks for a second factor."""
    user = request.user
    if not user.is_platform_staff:
        raise Denied("not_platform_staff", _("Only the platform's own staff enter an operator this way."))
    if not is_mfa_enabled(user):
        raise Denied(
            "second_factor_required",
            _("Entering an operator needs a second factor."),
            hint=_("Set one up under your account's security."),
        )
    form = EnterForm(request.POST)
    if not form.is_valid():
        return _choices(request, tenant_ids_of_user(user.pk, clock.now()), form, status=422)
    given = form.cleaned_data
    begin_visit(request, tenant_id=given["operator"], reason=given["reason"], minutes=given["minutes"])
    return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL)


@never_cache
@login_required
@require_POST
def leave(request: Any) -> HttpResponse:
    """Work in no operator any more; a staff session ends with it."""
    end_visit(request)
    return HttpResponseRedirect(reverse("choose_tenant"))

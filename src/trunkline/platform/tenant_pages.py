"""Pages of the platform's staff: which operators there are, how each is doing, its trial, and the way in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from trunkline.backoffice.hints import error_text
from trunkline.core.errors import Denied, TrunklineError
from trunkline.core.octets import shown_octets
from trunkline.identity.principal import platform_actor
from trunkline.identity.rules import STAFF_SESSION_LONGEST
from trunkline.kit import clock
from trunkline.kit.logs import log
from trunkline.platform.accounts.visits import begin_visit
from trunkline.platform.middleware import history_context
from trunkline.platform.pages import not_found
from trunkline.platform.tenants import TenantHealth, get_health, list_health
from trunkline.tenancy.actions import activate_tenant, extend_trial, set_quota, suspend_tenant
from trunkline.tenancy.queries import get_tenant_id
from trunkline.tenancy.rules import Standing
from trunkline.tenancy.scope import scope
from trunkline.tenancy.storage import NEAR_PERCENT, quota_of, read_quota, written_quota

View = Callable[..., HttpResponse]
VISIT_IDS, QUOTA_IDS = "visit_%s", "quota_%s"  # of several forms on one page each asks for a reason

STANDINGS = {
    Standing.ACTIVE: gettext_lazy("active"),
    Standing.TRIAL: gettext_lazy("on trial"),
    Standing.TRIAL_ENDED: gettext_lazy("trial ended"),
    Standing.SUSPENDED: gettext_lazy("suspended"),
}


class VisitForm(forms.Form):
    """Why and for how long somebody enters an operator."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), min_length=10, max_length=500, help_text=gettext_lazy("The operator reads it.")
    )
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"),
        min_value=5,
        max_value=STAFF_SESSION_LONGEST // timedelta(minutes=1),
        initial=60,
        help_text=gettext_lazy("How long you will need."),
    )


class StandingForm(forms.Form):
    """What becomes of an operator's trial, and why."""

    what = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[
            ("extend", gettext_lazy("Extend the trial")),
            ("activate", gettext_lazy("Let it work without an end")),
            ("suspend", gettext_lazy("Take nothing new")),
        ],
    )
    last_day = forms.DateField(
        label=gettext_lazy("Last day of the trial"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("On the operator's clock; for an extension."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, help_text=gettext_lazy("It stands in the operator's history.")
    )

    def clean(self) -> dict[str, Any]:
        """An extension has a day."""
        if self.cleaned_data.get("what") == "extend" and not self.cleaned_data.get("last_day"):
            self.add_error("last_day", _("Say until when."))
        return self.cleaned_data


class QuotaForm(forms.Form):
    """How much an operator may store, and why."""

    quota = forms.CharField(
        label=gettext_lazy("Storage"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("Such as 50 GB or 1.5 TiB; none: without a limit; empty: as the installation says."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, help_text=gettext_lazy("It stands in the operator's history.")
    )

    def clean_quota(self) -> int | None:
        """Octets: none as the installation says, 0 without a limit."""
        try:
            return read_quota(self.cleaned_data["quota"])
        except TrunklineError as error:
            raise forms.ValidationError(_("Write it like 500 MB, 50 GB or 1.5 TiB."), code=error.code) from error


def for_platform_staff(view: View) -> View:
    """For the platform's staff, with a second factor; for everybody else there is nothing here."""

    @never_cache
    @login_required
    @wraps(view)
    def asked(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.is_active and request.user.is_platform_staff):
            return not_found(request)
        if not is_mfa_enabled(request.user):
            raise Denied(
                "second_factor_required",
                _("The platform's pages need a second factor."),
                hint=_("Set one up under your account's security."),
            )
        return view(request, *args, **kwargs)

    return asked


@for_platform_staff
@require_safe
def tenants(request: HttpRequest) -> HttpResponse:
    """All operators with their health."""
    wanted, at = request.GET.get("q", "")[:200], clock.now()
    found = [_shown(each) for each in list_health(at=at, wanted=wanted)]
    return render(request, "platform/tenants.html", {"tenants": found, "wanted": wanted})


@for_platform_staff
@require_safe
def tenant(request: HttpRequest, slug: str) -> HttpResponse:
    """One operator: its health, its trial, and the way in."""
    return _page(request, slug)


@for_platform_staff
@require_POST
def enter(request: Any, slug: str) -> HttpResponse:
    """Open a staff session."""
    form = VisitForm(request.POST, auto_id=VISIT_IDS)
    if not form.is_valid():
        return _page(request, slug, visit=form)
    given = form.cleaned_data
    try:
        begin_visit(request, tenant_id=get_tenant_id(slug), reason=given["reason"], minutes=given["minutes"])
    except TrunklineError as error:
        if error.code not in ("bad_reason", "bad_until"):
            raise
        form.add_error(None, error_text(error))
        return _page(request, slug, visit=form)
    return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL)


@for_platform_staff
@require_POST
def standing(request: Any, slug: str) -> HttpResponse:
    """Extend a trial, let an operator work without an end, or take nothing new from it."""
    form = StandingForm(request.POST)
    if not form.is_valid():
        return _page(request, slug, standing_form=form)
    given, tenant_id = form.cleaned_data, get_tenant_id(slug)
    actor = platform_actor(request.user.pk)
    try:
        with (
            transaction.atomic(),
            scope(tenant_id, actor, reason=given["reason"], context=history_context(request)),
        ):
            if given["what"] == "extend":
                extend_trial(last_day=given["last_day"], at=clock.now())
            elif given["what"] == "activate":
                activate_tenant()
            else:
                suspend_tenant()
    except TrunklineError as error:
        form.add_error(None, error_text(error))
        return _page(request, slug, standing_form=form)
    log("tenant_standing", tenant=tenant_id, user=request.user.pk, what=given["what"])
    messages.success(request, _("Done. It holds from the operator's next page on."))
    return HttpResponseRedirect(reverse("platform_tenant", args=[slug]))


@for_platform_staff
@require_POST
def quota(request: Any, slug: str) -> HttpResponse:
    """Say how much an operator may store."""
    form = QuotaForm(request.POST, auto_id=QUOTA_IDS)
    if not form.is_valid():
        return _page(request, slug, quota_form=form)
    given, tenant_id = form.cleaned_data, get_tenant_id(slug)
    actor = platform_actor(request.user.pk)
    with transaction.atomic(), scope(tenant_id, actor, reason=given["reason"], context=history_context(request)):
        set_quota(octets=given["quota"])
    log("tenant_quota", tenant=tenant_id, user=request.user.pk, octets=given["quota"])
    messages.success(request, _("Done. It holds from the operator's next page on."))
    return HttpResponseRedirect(reverse("platform_tenant", args=[slug]))


def _page(
    request: HttpRequest,
    slug: str,
    *,
    visit: VisitForm | None = None,
    standing_form: StandingForm | None = None,
    quota_form: QuotaForm | None = None,
) -> HttpResponse:
    found = _shown(get_health(slug, at=clock.now()))
    context = {
        **found,
        "visit_form": visit or VisitForm(auto_id=VISIT_IDS),
        "standing_form": standing_form or StandingForm(initial={"last_day": found["tenant"].trial_day}),
        "quota_form": quota_form
        or QuotaForm(auto_id=QUOTA_IDS, initial={"quota": written_quota(found["tenant"].quota_octets)}),
    }
    wrong = any(form is not None and form.errors for form in (visit, standing_form, quota_form))
    return render(request, "platform/tenant.html", context, status=422 if wrong else 200)


def _shown(found: TenantHealth) -> dict[str, Any]:
    state, quota = found.standing(clock.now()), quota_of(found.quota_octets)
    return {
        "tenant": found,
        "state": STANDINGS[state],
        "is_stopped": state in (Standing.TRIAL_ENDED, Standing.SUSPENDED),
        "size": shown_octets(found.octets),
        "stored": shown_octets(found.stored_octets),
        "quota": None if quota is None else shown_octets(quota),
        "is_near": quota is not None and 100 * found.stored_octets >= NEAR_PERCENT * quota,
        "records": f"{found.records:,}",
    }

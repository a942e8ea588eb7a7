"""First steps of a new operator, on its dashboard: from the sign-up to the first invoice. Each tells from the data whether it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.panels import Link
from trunkline.backoffice.site import site
from trunkline.core.errors import NotFound
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import Principal, principal_of
from trunkline.invoicing.models import Invoice, InvoicingProfile
from trunkline.kit.clock import now
from trunkline.kit.db.kept import Kept
from trunkline.kit.db.scope import current_tenant_id
from trunkline.parties.models import Account, Identity
from trunkline.tariffs.models import AccountTariff, Rate, Tariff
from trunkline.tenancy.actions import dismiss_steps
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.rules import Standing, last_trial_day, standing_of
from trunkline.usage.choices import BatchState
from trunkline.usage.models import Batch, Switch

ALL = "all"  # in the address of a dismissal


@dataclass(frozen=True, slots=True)
class Step:
    """A step: what it is about, the permission that doing it takes, and where it is done."""

    name: str
    title: Any
    text: Any
    permission: Permission
    link: Callable[[], Link]


def _to(text: Any, name: str, icon: str) -> Callable[[], Link]:
    return lambda: Link(text, reverse(f"admin:{name}"), icon)


def _tariff() -> Link:
    """To the tariff that still needs rates, where there is one."""
    found = Tariff.objects.order_by("pk").first()
    if found is None:
        return Link(_("Make a tariff"), reverse("admin:tariffs_tariff_add"), "sell")
    return Link(_("Give it rates"), reverse("admin:tariffs_tariff_change", args=[found.pk]), "sell")


def _invoice() -> Link:
    """To the account that has a billing run before it: the first one, where there are several."""
    found = Account.objects.order_by("pk").first()
    if found is None:
        return Link(_("Accounts"), reverse("admin:parties_account_changelist"), "receipt_long")
    return Link(_("To the account"), reverse("admin:parties_account_change", args=[found.pk]), "receipt_long")


STEPS: tuple[Step, ...] = (
    Step(
        "operator",
        gettext_lazy("Currency, clock and who you are"),
        gettext_lazy("Look whether currency and time zone are right, and say who the seller on your documents is."),
        Permission.SETTINGS_WRITE,
        _to(gettext_lazy("Open the settings"), "settings", "tune"),
    ),
    Step(
        "account",
        gettext_lazy("The first account"),
        gettext_lazy("A customer whom you will invoice, or a vendor whom you buy from."),
        Permission.ACCOUNTS_WRITE,
        _to(gettext_lazy("Make an account"), "parties_account_add", "group_add"),
    ),
    Step(
        "tariff",
        gettext_lazy("The first tariff"),
        gettext_lazy("A price list. Its rates come from a CSV file, or are typed in."),
        Permission.TARIFFS_WRITE,
        _tariff,
    ),
    Step(
        "assignment",
        gettext_lazy("Which tariff the account has"),
        gettext_lazy("What the account pays you, or you pay it, goes by the tariffs that it was given."),
        Permission.TARIFFS_ASSIGN,
        _to(gettext_lazy("Give the tariff to the account"), "tariffs_accounttariff_add", "link"),
    ),
    Step(
        "switch",
        gettext_lazy("The first switch"),
        gettext_lazy(
            "Whose files you will send in: it says their format and their clock. Take its buy side off where you buy calls from nobody."
        ),
        Permission.SWITCHES_WRITE,
        _to(gettext_lazy("Make a switch"), "usage_switch_add", "dns"),
    ),
    Step(
        "identity",
        gettext_lazy("How traffic is told to be the account's"),
        gettext_lazy("By a trunk, an address, a number: whatever the switch writes of whose call it was."),
        Permission.IDENTITIES_WRITE,
        _to(gettext_lazy("Add an identity"), "parties_identity_add", "fingerprint"),
    ),
    Step(
        "file",
        gettext_lazy("The first file"),
        gettext_lazy("Send in a file of the switch. What cannot be rated becomes a reject that says why."),
        Permission.USAGE_LOAD,
        _to(gettext_lazy("Upload a file"), "usage_batch_upload", "upload_file"),
    ),
    Step(
        "invoice",
        gettext_lazy("The first invoice"),
        gettext_lazy("On the page of an account you see what it owes, and issue the invoice of a period."),
        Permission.INVOICES_ISSUE,
        _invoice,
    ),
)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as the dashboard shows it; `link` is None where it is done."""

    name: str
    title: Any
    text: Any
    is_done: bool
    link: Link | None


def first_steps(request: HttpRequest) -> dict[str, Any]:
    """What the dashboard shows of them until the first invoice: to whom may do one that is neither done nor dismissed. One question to the
    database, and one more where a step leads to a row.
    """
    principal = principal_of(request)
    tenant: Any = _STATES.find(current_tenant_id())
    left = _left(principal, tenant)
    states: dict[str, bool] = {step.name: getattr(tenant, f"has_{step.name}") for step in STEPS}
    steps = [_shown(step, states[step.name], tenant) for step in left]
    day = last_trial_day(tenant) if standing_of(tenant, now()) is Standing.TRIAL else None
    return {
        "steps": steps if not tenant.has_invoice and any(not step.is_done for step in steps) else [],
        "done": sum(states.values()),
        "all": len(STEPS),
        "trial_day": day,
        "may_dismiss": principal.may(Permission.SETTINGS_WRITE),
    }


def _shown(step: Step, is_done: bool, tenant: Any) -> ShownStep:
    if step.name == "file" and not is_done and tenant.is_all_rejected:
        text = _("Nothing of what you sent in could be priced yet. The rejects say why; mend that and send them again.")
        return ShownStep(
            step.name, step.title, text, False, Link(_("To the rejects"), reverse("admin:rejects"), "report")
        )
    return ShownStep(step.name, step.title, step.text, is_done, None if is_done else step.link())


def _left(principal: Principal, tenant: Tenant) -> list[Step]:
    return [step for step in STEPS if principal.may(step.permission) and step.name not in tenant.dismissed_steps]


def _with_states(tenant_id: int) -> QuerySet[Any]:
    return Tenant.objects.filter(pk=tenant_id).annotate(
        has_operator=Exists(InvoicingProfile.objects.all()),
        has_account=Exists(Account.objects.all()),
        has_tariff=Exists(Rate.objects.all()),
        has_assignment=Exists(AccountTariff.objects.all()),
        has_switch=Exists(Switch.objects.all()),
        has_identity=Exists(Identity.objects.all()),
        has_file=Exists(Batch.objects.filter(state=BatchState.POSTED, rated__gt=0)),
        is_all_rejected=Exists(Batch.objects.filter(state=BatchState.POSTED, rejected__gt=0)),
        has_invoice=Exists(Invoice.objects.all()),
    )


_STATES = Kept(_with_states, 2**62 + 1)


@site.page("first-steps/<str:step>/dismiss/", name="dismiss_step", permission=Permission.SETTINGS_WRITE)
def dismiss(request: HttpRequest, step: str) -> HttpResponse:
    """Show a step no more, or all of them."""
    names = [each.name for each in STEPS]
    if step != ALL and step not in names:
        raise NotFound("step_not_found", "There is no such step.")
    if request.method == "POST":
        dismiss_steps(steps=names if step == ALL else [step])
    return HttpResponseRedirect(reverse("admin:index"))

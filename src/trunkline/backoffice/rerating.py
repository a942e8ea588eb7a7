"""Re-rating: what changes of prices propose, a look at what pricing again would change, and making it so."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.forms import InstantField, StaffForm, refuse, set_zone
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.site import site
from trunkline.backoffice.words import SIDES, local, money
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.period import get_zone
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.invoicing.rerated import by_account, by_invoice
from trunkline.kit import jobs
from trunkline.kit.clock import now
from trunkline.parties.models import Account
from trunkline.parties.queries import get_account
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.queries import get_tariff
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.asked import Asked
from trunkline.usage.choices import RERATE
from trunkline.usage.looks import begin_look, found_of, get_look
from trunkline.usage.models import Proposal
from trunkline.usage.proposals import dismiss, open_proposals

ROWS_MAX = 200


class RerateForm(StaffForm):
    """Which records are priced again. What is left out does not restrict."""

    start_from = InstantField(
        label=gettext_lazy("From"), required=False, help_text=gettext_lazy("Records that start then or later.")
    )
    start_to = InstantField(
        label=gettext_lazy("To"),
        required=False,
        help_text=gettext_lazy("Records that start before; itself not included."),
    )
    account = forms.CharField(
        label=gettext_lazy("Account"), required=False, max_length=60,
        help_text=gettext_lazy("Only sides of this account, by its short name."),
    )  # fmt: skip
    side = forms.ChoiceField(
        label=gettext_lazy("Side"), required=False, choices=[("", gettext_lazy("Both sides")), *SIDES.items()],
        help_text=gettext_lazy("What customers owe, or what vendors are owed."),
    )  # fmt: skip
    code = forms.CharField(
        label=gettext_lazy("Code"), required=False, max_length=20,
        help_text=gettext_lazy("Only called numbers that begin with these digits."),
    )  # fmt: skip
    tariff = forms.CharField(
        label=gettext_lazy("Tariff"), required=False, max_length=100,
        help_text=gettext_lazy("Only sides that this tariff has priced or may price."),
    )  # fmt: skip
    is_told_anew = forms.BooleanField(
        label=gettext_lazy("Identify anew"), required=False,
        help_text=gettext_lazy("Tell first whose the records are by the identities of now, and price both sides then."),
    )  # fmt: skip

    def prepare(self) -> None:
        set_zone(self, get_zone(current_tenant().timezone), "start_from", "start_to")

    def asked(self) -> Asked:
        """What the form asks for. Raises Invalid as `Asked`, NotFound where there is no such account or tariff."""
        data = self.cleaned_data
        return Asked(
            start_from=data["start_from"],
            start_to=data["start_to"],
            account_id=get_account(data["account"].strip()).pk if data["account"] else None,
            side=data["side"],
            code=data["code"].strip(),
            tariff_id=get_tariff(data["tariff"].strip()).pk if data["tariff"] else None,
            is_told_anew=data["is_told_anew"],
        )


@site.page("traffic/re-rating/", name="rerating", permission=Permission.USAGE_READ)
def rerating(request: HttpRequest) -> HttpResponse:
    """What is proposed, and a form that begins a look."""
    principal = principal_of(request)
    proposals = open_proposals()
    if request.method == "POST":
        principal.require(Permission.USAGE_RERATE)
        form = RerateForm(request.POST, request=request)
        if form.is_valid():
            try:
                look_id = begin_look(principal.tenant_id, form.asked(), actor=principal.actor, at=now())
                return HttpResponseRedirect(reverse("admin:rerating_look", args=(look_id,)))
            except (Invalid, NotFound) as error:
                refuse(form, error)
    else:
        chosen = next((each for each in proposals if str(each.pk) == request.GET.get("proposal")), None)
        form = RerateForm(initial={} if chosen is None else _initial(chosen), request=request)
    context = {
        "title": _("Re-rating"),
        "form": form if principal.may(Permission.USAGE_RERATE) else None,
        "panel": _proposals(proposals, may_rerate=principal.may(Permission.USAGE_RERATE)),
    }
    return site.render(request, "backoffice/rerating.html", context, 422 if form.errors else 200)


def _initial(proposal: Proposal) -> dict[str, Any]:
    return {
        "start_from": proposal.start_from,
        "account": "" if proposal.account is None else proposal.account.code,
        "side": proposal.side,
        "tariff": "" if proposal.tariff is None else proposal.tariff.name,
    }


def _proposals(proposals: list[Proposal], *, may_rerate: bool) -> Panel:
    rows = [
        (
            Link(each.cause, f"?proposal={each.pk}") if may_rerate else each.cause,
            each.tariff.name if each.tariff else _("all tariffs"),
            each.account.code if each.account else _("all accounts"),
            local(each.start_from) if each.start_from else _("from ever on"),
            local(each.made_at),
            Link(_("Dismiss"), reverse("admin:rerating_dismiss", args=(each.pk,))) if may_rerate else "",
        )
        for each in proposals[:ROWS_MAX]
    ]
    headers = (_("What was changed"), _("Tariff"), _("Account"), _("Records from"), _("Proposed"), "")
    empty = _("No change of prices asks for a re-rating.")
    text = _("Prices were changed for a time in which records had been posted.") if rows else ""
    return Panel(_("Proposals"), headers, rows, empty=empty, text=text)


@site.page(
    "traffic/re-rating/proposals/<int:proposal_id>/dismiss/",
    name="rerating_dismiss",
    permission=Permission.USAGE_RERATE,
)
def dismiss_proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Ask, then close a proposal though nothing is priced again."""
    found = next((each for each in open_proposals() if each.pk == proposal_id), None)
    if found is None:
        raise NotFound("proposal_not_found", "There is no such open proposal.")
    back = reverse("admin:rerating")
    if request.method == "POST":
        dismiss(proposal_id=found.pk, at=now())
        messages.success(request, _("The proposal is closed."))
        return HttpResponseRedirect(back)
    context = {"title": _("Dismiss a proposal"), "proposal": found, "back": back}
    return site.render(request, "backoffice/rerating_dismiss.html", context)


@site.page("traffic/re-rating/<uuid:look_id>/", name="rerating_look", permission=Permission.USAGE_READ)
def look(request: HttpRequest, look_id: UUID) -> HttpResponse:
    """What a look has found, followed while a worker is at it; its button makes it so."""
    principal = principal_of(request)
    said = get_look(principal.tenant_id, look_id)
    asked = Asked.of(said["asked"])
    if request.method == "POST":
        principal.require(Permission.USAGE_RERATE)
        if said["state"] != "done":
            raise Conflict(
                "look_not_done", "The look has not come to its end.", hint="Wait until its figures are there."
            )
        name = f"re-rating: {'; '.join(f'{label} {value}' for label, value in _words(asked)) or _('everything')}"
        jobs.defer(
            RERATE,
            key=f"{RERATE}:{sorted(said['asked'].items())}",
            tenant_id=principal.tenant_id,
            asked=said["asked"],
            name=name,
            actor=principal.actor,
        )
        messages.success(
            request,
            _("The records are being priced again. Each switch of which a record changes is a batch of its own."),
        )
        return HttpResponseRedirect(f"{reverse('admin:usage_batch_changelist')}?intake__exact=rerate")
    panels = [Panel(_("What is asked"), ("", ""), _words(asked), empty=_("Every record, both sides."))]
    changed = 0
    if said["state"] == "done":
        found = found_of(said["found"])
        changed = found.changed
        panels += _found(found)
    total = said.get("total") or 0
    context = {
        "title": _("What re-rating would change"),
        "state": said["state"],
        "percent": 100 * said.get("done", 0) // total if total else 0,
        "problem": said.get("problem", ""),
        "panels": panels,
        "may_apply": bool(changed) and principal.may(Permission.USAGE_RERATE),
        "back": reverse("admin:rerating"),
    }
    return site.render(request, "backoffice/rerating_look.html", context)


def _words(asked: Asked) -> list[tuple[Any, Any]]:
    """What is asked, by names."""
    rows: list[tuple[Any, Any]] = []
    if asked.start_from is not None:
        rows.append((_("From"), local(asked.start_from)))
    if asked.start_to is not None:
        rows.append((_("To"), local(asked.start_to)))
    if asked.account_id is not None:
        rows.append((_("Account"), Account.objects.get(pk=asked.account_id).code))
    if asked.side:
        rows.append((_("Side"), SIDES[asked.side]))
    if asked.code:
        rows.append((_("Code"), asked.code))
    if asked.tariff_id is not None:
        rows.append((_("Tariff"), Tariff.objects.get(pk=asked.tariff_id).name))
    if asked.is_told_anew:
        rows.append((_("Identify anew"), _("yes")))
    return rows


def _found(found: Any) -> list[Panel]:
    counts = [
        (_("Records looked at"), f"{found.looked:,}"),
        (_("Records that change"), f"{found.changed:,}"),
        (_("Segments that are written anew"), f"{found.touched} / {found.segments}"),
    ]
    accounts = [
        (
            SIDES[each["side"]],
            each["account"],
            f"{each['records']:,}",
            money(each["before"], each["currency"]),
            money(each["after"], each["currency"]),
            money(each["difference"], each["currency"]),
        )
        for each in by_account(found.moved)[:ROWS_MAX]
    ]
    invoices = [
        (each["invoice"], each["account"], money(each["difference"], each["currency"]))
        for each in by_invoice(found.moved)[:ROWS_MAX]
    ]
    headers = (_("Side"), _("Account"), _("Records"), _("Before"), _("After"), _("Difference"))
    panels = [
        Panel(_("Records"), (_("What"), _("Count")), counts, right=frozenset({1})),
        Panel(_("By account"), headers, accounts, empty=_("No money moves."), right=frozenset({2, 3, 4, 5})),
        Panel(
            _("Already invoiced"), (_("Invoice"), _("Account"), _("Difference")), invoices,
            empty=_("No issued invoice would have said otherwise."), right=frozenset({2}),
        ),
    ]  # fmt: skip
    if found.lost:
        lost = [(reason, f"{count:,}") for reason, count in found.lost.items()]
        panels.append(Panel(_("Lose their price"), (_("Reason"), _("Records")), lost, right=frozenset({1})))
    return panels

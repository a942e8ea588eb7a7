"""Screens of swap deals: what is promised, how far both sides are, what it is worth, and alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.deal_form import ChangedItemForm, ChosenItemForm, DealForm, ItemForm, given_item
from trunkline.backoffice.deal_panels import (
    STATUS_LABELS,
    STATUSES,
    alarms_panel,
    bars,
    periods_panel,
    progress_panel,
    standing,
    worth_panel,
)
from trunkline.backoffice.filters import BeginsFilter
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.shown import days, label, money, state
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.pricing import actions
from trunkline.pricing.deals.queries import alarms, standings
from trunkline.pricing.deals.terms import Direction
from trunkline.pricing.models import Deal, DealItem


def _is_active(deal: Deal) -> bool:
    return deal.archived_at is None


def _is_archived(deal: Deal) -> bool:
    return deal.archived_at is not None


def _has_items(deal: Deal) -> bool:
    return DealItem.objects.filter(deal=deal).exists()


class ArchivedFilter(DropdownFilter):
    """Those that are looked at, or the archived ones; archived ones are left out unless asked for."""

    title = gettext_lazy("Archived")
    parameter_name = "archived"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("", _("not archived")), ("yes", _("archived")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "yes":
                return queryset.filter(archived_at__isnull=False)
            case "all":
                return queryset
        return queryset.filter(archived_at=None)


@site.screen(Deal)
class DealAdmin(TenantAdmin):
    """Swap deals: bilateral volumes and prices."""

    permission_to_view = Permission.TARIFFS_READ
    permission_to_add = permission_to_change = Permission.TARIFFS_WRITE
    form = DealForm
    autocomplete_fields = ("account",)
    change_form_outer_before_template = "backoffice/deal_panels.html"
    change_form_outer_after_template = ""
    list_display = (
        "name", "account", "shown_status", "shown_period", "shown_inbound", "shown_outbound", "shown_settlement",
    )  # fmt: skip
    list_filter = (BeginsFilter.of("account__code", gettext_lazy("Partner begins with")), ArchivedFilter)
    list_select_related = ("account",)
    list_per_page = 25
    search_fields = ("name",)
    search_help_text = gettext_lazy("A part of the name")
    ordering = ("name",)
    sortable_by = ("name",)
    empty_text = gettext_lazy(
        "A swap deal is a promise of minutes between a partner and us. Make one, add what each side promises, and see here how far both are."
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return () if obj is None else ("account", "shown_status")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(DealForm.Meta.fields)
        return [(None, {"fields": fields if obj is None else [*fields[:2], "shown_status", *fields[2:]]})]

    def load_rows(self, request: HttpRequest, rows: Sequence[Deal]) -> None:
        for row, found in zip(rows, standings(list(rows), at=now()), strict=True):
            row.stands = found  # type: ignore[attr-defined]

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Deal:
        currency = data.pop("currency") or data["account"].currency
        return actions.create_deal(currency=currency, at=now(), **data)

    def change(self, request: HttpRequest, obj: Deal, data: dict[str, Any]) -> Deal:
        if "currency" in data and not data["currency"]:
            data["currency"] = obj.account.currency
        return actions.change_deal(deal_id=obj.pk, **data)

    @display(description=gettext_lazy("Status"))
    def shown_status(self, deal: Deal) -> SafeString:
        """As its period of today; archived ones say so."""
        if deal.archived_at is not None:
            return label(_("archived"))
        status = standing(deal).status
        return state(status.value, STATUSES[status.value], STATUS_LABELS)

    @display(description=gettext_lazy("Period"))
    def shown_period(self, deal: Deal) -> str:
        """That of today."""
        period = standing(deal).current.period
        return days(period.start, period.end)

    @display(description=gettext_lazy("Inbound"))
    def shown_inbound(self, deal: Deal) -> SafeString:
        """How far the partner is."""
        return bars(standing(deal), Direction.INBOUND)

    @display(description=gettext_lazy("Outbound"))
    def shown_outbound(self, deal: Deal) -> SafeString:
        """How far we are."""
        return bars(standing(deal), Direction.OUTBOUND)

    @display(description=gettext_lazy("Settlement"))
    def shown_settlement(self, deal: Deal) -> SafeString:
        """The live profit of the period against ordinary prices."""
        return money(standing(deal).current.settlement, deal.currency)

    def panels(self, request: HttpRequest, deal: Deal) -> Sequence[Panel]:
        """What is promised and how far it is, what it is worth, all periods, alarms."""
        stands, may_write = standing(deal), principal_of(request).may(Permission.TARIFFS_WRITE)
        if stands.rows:
            change = self.url("change_item", deal) if may_write else None
            found = [progress_panel(stands, change), worth_panel(stands)]
        else:
            links = [Link(_("Add an item"), self.url("add_item", deal), "add")] if may_write else []
            empty = _("Nothing is promised yet: add what each side promises.")
            found = [Panel(_("Items"), (), (), empty=empty, links=links)]
        if len(stands.periods) > 1:
            found.append(periods_panel(stands))
        found.append(alarms_panel(alarms(deal)[:PANEL_ROWS]))
        return found

    @verb(
        gettext_lazy("Add an item"),
        permission=Permission.TARIFFS_WRITE,
        icon="add",
        form=ItemForm,
        applies=_is_active,
        text=gettext_lazy("A promise of minutes in each period, by the partner or by us."),
    )
    def add_item(self, request: HttpRequest, deal: Deal, data: dict[str, Any]) -> Any:
        """One more promise."""
        actions.add_item(deal_id=deal.pk, item=given_item(data))
        return _("The item is added.")

    @verb(
        gettext_lazy("Change an item"),
        permission=Permission.TARIFFS_WRITE,
        icon="edit",
        form=ChangedItemForm,
        applies=_has_items,
        is_button=False,
        text=gettext_lazy("Periods that are over are judged by what is promised now, too."),
    )
    def change_item(self, request: HttpRequest, deal: Deal, data: dict[str, Any]) -> Any:
        """Another promise."""
        actions.change_item(item_id=data["item_id"], item=given_item(data))
        return _("The item is changed.")

    @verb(
        gettext_lazy("Remove an item"),
        permission=Permission.TARIFFS_WRITE,
        icon="remove",
        form=ChosenItemForm,
        is_danger=True,
        applies=_has_items,
        text=gettext_lazy("The deal no longer counts its minutes. What was promised stays in the history."),
    )
    def remove_item(self, request: HttpRequest, deal: Deal, data: dict[str, Any]) -> Any:
        """One promise less."""
        actions.remove_item(item_id=int(data["item"]))
        return _("The item is removed.")

    @verb(
        gettext_lazy("Archive"),
        permission=Permission.TARIFFS_WRITE,
        icon="archive",
        applies=_is_active,
        text=gettext_lazy("Nobody looks at it any more: it raises no alarms. It can be restored."),
    )
    def archive(self, request: HttpRequest, deal: Deal, data: dict[str, Any]) -> Any:
        """Put it away."""
        actions.archive_deal(deal_id=deal.pk, at=now())
        return _("The deal is archived.")

    @verb(
        gettext_lazy("Restore"),
        permission=Permission.TARIFFS_WRITE,
        icon="unarchive",
        applies=_is_archived,
        text=gettext_lazy("It is looked at again and raises alarms."),
    )
    def restore(self, request: HttpRequest, deal: Deal, data: dict[str, Any]) -> Any:
        """Take it out again."""
        actions.restore_deal(deal_id=deal.pk)
        return _("The deal is looked at again.")

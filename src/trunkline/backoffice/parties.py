"""Screens of the parties: accounts, billing profiles and identities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from trunkline.backoffice.account_panels import account_panels, load_balances
from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.fields import (
    AmountField,
    CurrencyField,
    DayField,
    InstantField,
    RowField,
    WordsField,
    ZoneField,
    translated_choices,
)
from trunkline.backoffice.filters import ChoiceFilter, FlagFilter, HoldsFilter
from trunkline.backoffice.forms import AccountTimesForm, ActionForm, EndForm, StaffForm
from trunkline.backoffice.panels import PANEL_ROWS, Link, Panel
from trunkline.backoffice.shown import NOTHING, choice, money, row_link, standing, state, validity
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.core.money import Amount
from trunkline.core.period import get_zone, local_date
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.parties import actions
from trunkline.parties.choices import AccountStatus, ContactRole
from trunkline.parties.models import Account, BillingProfile, Identity
from trunkline.parties.queries import accounts
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import Switch

STATUS_LABELS = {"active": "success", "suspended": "warning", "closed": "default"}


class AccountForm(ActionForm):
    """An account; code and currency are said once."""

    currency = CurrencyField(
        label=_("Currency"), help_text=_("Of its balance and invoices. Books are kept in it, so it never changes.")
    )
    timezone = ZoneField(label=_("Time zone"), help_text=_("Its days and invoice periods begin and end on this clock."))
    credit_limit = AmountField(
        label=_("Credit limit"),
        required=False,
        help_text=_("How far its balance may go against us, in its currency. 0: no credit."),
    )
    tags = WordsField(
        label=_("Tags"),
        required=False,
        help_text=_("Words with commas between them, such as wholesale, europe. Traffic rules may ask for them."),
    )

    class Meta:
        model = Account
        fields = (
            "code", "name", "is_customer", "is_vendor", "currency", "timezone", "parent", "billing_profile",
            "credit_limit", "capacity", "tags",
        )  # fmt: skip
        labels = {"code": _("Short name"), "is_customer": _("Customer"), "is_vendor": _("Vendor")}
        help_texts = {
            "code": _(
                "Lower-case letters, digits, dot, dash, underscore. Commands and books use it; it never changes."
            ),
            "name": _("The name on screens and documents."),
            "is_customer": _("It buys from us: its traffic is charged by its selling tariffs."),
            "is_vendor": _("It sells to us: traffic sent to it costs us by its buying tariffs."),
            "parent": _("The account above it, such as a reseller; may be left empty."),
            "billing_profile": _("Address, tax, period and terms of its invoices. Empty: it gets one of its own."),
            "capacity": _("Simultaneous calls; empty: no limit."),
        }

    def prepare(self) -> None:
        if "billing_profile" in self.fields:
            self.fields["billing_profile"].required = self.instance.pk is not None
        if self.instance.pk is None:
            own = current_tenant()
            self.initial = {"currency": own.currency, "timezone": own.timezone, "credit_limit": "0"} | dict(
                self.initial
            )


class CloseForm(StaffForm):
    """When an account is closed."""

    closed_on = DayField(
        label=_("Closed from"),
        help_text=_("First day, on the account's clock, on which nothing is told to be its any more."),
    )

    def prepare(self) -> None:
        self.fields["closed_on"].initial = local_date(now(), get_zone(self.obj.timezone))


class ContactForm(StaffForm):
    """A contact of an account."""

    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("The person or office."))
    role = forms.ChoiceField(
        label=_("Role"),
        choices=translated_choices(ContactRole.choices),
        initial=ContactRole.GENERAL,
        help_text=_("What one turns to them for."),
    )
    email = forms.EmailField(label=_("E-mail"), required=False, help_text=_("Where mails to them go."))
    phone = forms.CharField(
        label=_("Telephone"), required=False, max_length=40, help_text=_("With the country code, such as +254 20 123.")
    )
    note = forms.CharField(
        label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("For colleagues.")
    )


@site.screen(Account)
class AccountAdmin(TenantAdmin):
    """Customers and vendors."""

    permission_to_view = Permission.ACCOUNTS_READ
    permission_to_add = permission_to_change = Permission.ACCOUNTS_WRITE
    empty_text = _(
        "Accounts are the customers and vendors that you trade with. Make one, then say by which trunks or addresses its traffic is known."
    )
    form = AccountForm
    search_fields = ("code", "name")
    search_help_text = _("A part of the short name or of the name")
    list_filter = (
        ("status", ChoiceFilter),
        ("is_customer", FlagFilter),
        ("is_vendor", FlagFilter),
        ("billing_profile", AutocompleteSelectFilter),
    )
    list_select_related = ("billing_profile",)
    ordering = ("code",)
    autocomplete_fields = ("parent", "billing_profile")

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:
        balance = ["shown_balance"] if principal_of(request).may(Permission.LEDGER_READ) else []
        return ["code", "name", "shown_role", "currency", *balance, "shown_status"]

    def load_rows(self, request: HttpRequest, rows: Sequence[Account]) -> None:
        if principal_of(request).may(Permission.LEDGER_READ):
            load_balances(rows)

    @display(description=_("Role"))
    def shown_role(self, account: Account) -> str:
        """Customer, vendor, or both."""
        roles = [(account.is_customer, gettext("customer")), (account.is_vendor, gettext("vendor"))]
        return ", ".join(word for is_so, word in roles if is_so)

    @display(description=_("Status"))
    def shown_status(self, account: Account) -> SafeString:
        """Whether it is served."""
        return state(account.status, choice(account, "status"), STATUS_LABELS)

    @display(description=_("Balance"))
    def shown_balance(self, account: Account) -> Any:
        """What it owes us, or we it below zero, billed or not."""
        return money(account.balance, account.currency)  # type: ignore[attr-defined]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("code", "currency", "shown_status") if obj is not None else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        standing_field = ["shown_status"] if obj is not None else []
        return (
            (None, {"fields": ["code", "name", *standing_field, ("is_customer", "is_vendor"), "currency", "timezone"]}),
            (_("Terms"), {"fields": ["billing_profile", "credit_limit", "capacity"]}),
            (_("Order"), {"fields": ["parent", "tags"]}),
        )

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Account:
        data["credit_limit"] = data["credit_limit"] or Amount.zero()
        return actions.create_account(**data, at=now())

    def change(self, request: HttpRequest, obj: Account, data: dict[str, Any]) -> Account:
        if "credit_limit" in data:
            data["credit_limit"] = data["credit_limit"] or Amount.zero()
        return actions.change_account(account_id=obj.pk, **data, at=now())

    def panels(self, request: HttpRequest, obj: Account) -> Sequence[Panel]:
        return account_panels(request, obj, self)

    @verb(
        _("Suspend"),
        permission=Permission.ACCOUNTS_SUSPEND,
        icon="pause_circle",
        text=_(
            "It is marked as not to be served for now. What comes all the same is still told to be its own, rated and billed."
        ),
        applies=lambda account: account.status == AccountStatus.ACTIVE,
    )
    def suspend(self, request: HttpRequest, obj: Account, data: dict[str, Any]) -> str:
        """Do not serve an account for now."""
        actions.suspend_account(account_id=obj.pk, at=now())
        return gettext("The account is suspended.")

    @verb(
        _("Resume"),
        permission=Permission.ACCOUNTS_SUSPEND,
        icon="play_circle",
        text=_("It is served again."),
        applies=lambda account: account.status == AccountStatus.SUSPENDED,
    )
    def resume(self, request: HttpRequest, obj: Account, data: dict[str, Any]) -> str:
        """Serve an account again."""
        actions.resume_account(account_id=obj.pk, at=now())
        return gettext("The account is served again.")

    @verb(
        _("Close"),
        permission=Permission.ACCOUNTS_SUSPEND,
        icon="cancel",
        text=_(
            "Its identities end on that day and nothing later is told to be its. What it used before is still rated and invoiced. A closed account is not opened again."
        ),
        form=CloseForm,
        applies=lambda account: account.status != AccountStatus.CLOSED,
        is_danger=True,
    )
    def close(self, request: HttpRequest, obj: Account, data: dict[str, Any]) -> str:
        """Close an account."""
        closed = actions.close_account(account_id=obj.pk, closed_on=data["closed_on"], at=now())
        return gettext("The account is closed from %(day)s on.") % {"day": closed.closed_on}

    @verb(_("Add contact"), permission=Permission.ACCOUNTS_WRITE, icon="person_add", form=ContactForm, is_button=False)
    def add_contact(self, request: HttpRequest, obj: Account, data: dict[str, Any]) -> str:
        """Add a contact to an account."""
        contact = actions.add_contact(account=obj, **data, at=now())
        return gettext("%(name)s is a contact now.") % {"name": contact.name}


class BillingProfileForm(ActionForm):
    """A billing profile; its code is said once."""

    class Meta:
        model = BillingProfile
        fields = (
            "code", "name", "address", "tax_number", "tax_name", "tax_percent", "period", "payment_terms_days",
            "language",
        )  # fmt: skip
        labels = {"code": _("Short name"), "tax_percent": _("Tax in percent"), "period": _("Billing period")}
        help_texts = {
            "code": _("Lower-case letters, digits, dot, dash, underscore; it never changes."),
            "name": _("The name in the address of invoices."),
            "tax_percent": _("Percent of the net, such as 16."),
            "period": _("How much time one invoice covers, on the account's clock."),
            "language": _("Of its documents, such as fr; empty: the seller's."),
        }


@site.screen(BillingProfile)
class BillingProfileAdmin(TenantAdmin):
    """To whom and how accounts are invoiced."""

    permission_to_view = Permission.ACCOUNTS_READ
    permission_to_add = permission_to_change = Permission.ACCOUNTS_WRITE
    empty_text = _(
        "A billing profile says to whom and how is invoiced. Each account that is made without one gets its own."
    )
    form = BillingProfileForm
    search_fields = ("code", "name")
    search_help_text = _("A part of the short name or of the name")
    list_display = ("code", "name", "shown_period", "payment_terms_days", "shown_tax", "language")
    list_filter = (("period", ChoiceFilter),)
    ordering = ("code",)

    @display(description=_("Billing period"))
    def shown_period(self, profile: BillingProfile) -> str:
        """How much time an invoice covers."""
        return choice(profile, "period")

    @display(description=_("Tax"))
    def shown_tax(self, profile: BillingProfile) -> str:
        """Name and percent of the tax."""
        return f"{profile.tax_name} {profile.tax_percent.normalize():f} %".strip() if profile.tax_percent else NOTHING

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("code",) if obj is not None else ()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> BillingProfile:
        return actions.create_billing_profile(**data, at=now())

    def change(self, request: HttpRequest, obj: BillingProfile, data: dict[str, Any]) -> BillingProfile:
        return actions.change_billing_profile(profile_id=obj.pk, **data, at=now())

    def panels(self, request: HttpRequest, obj: BillingProfile) -> Sequence[Panel]:
        with_it = list(accounts().filter(billing_profile=obj)[: PANEL_ROWS + 1])
        more = f"{reverse('admin:parties_account_changelist')}?billing_profile__id__exact={obj.pk}"
        return [
            Panel(
                _("Accounts that are invoiced so"),
                [_("Short name"), _("Name"), _("Status")],
                [
                    [row_link(request, each, each.code), each.name, choice(each, "status")]
                    for each in with_it[:PANEL_ROWS]
                ],
                empty=_("No account has this profile. Choose it on the page of one."),
                links=[Link(_("All of them"), more)] if len(with_it) > PANEL_ROWS else [],
            )
        ]


class IdentityForm(AccountTimesForm):
    """A mark by which traffic is told to be an account's."""

    switch = forms.ChoiceField(
        label=_("Switch"), required=False, help_text=_("Only records of this switch; empty: of any.")
    )

    class Meta:
        model = Identity
        fields = ("account", "kind", "value", "side", "switch", "tech_prefix", "priority", "valid_from", "valid_to")
        labels = {"valid_from": _("From"), "valid_to": _("Until")}
        help_texts = {
            "account": _("Whose traffic it is."),
            "kind": _("What of a record is looked at."),
            "value": _(
                "The trunk's name, a number, an address or a network such as 198.51.100.0/24, as one writes it."
            ),
            "side": _("Sell: traffic that it sends to us. Buy: traffic that we send to it."),
            "tech_prefix": _("Digits that called numbers begin with; they are taken off. Empty: none."),
            "priority": _("Of several that fit equally well the lower number wins."),
            "valid_from": _("On the account's clock. Empty: it always was."),
            "valid_to": _("On the account's clock, itself not included. Empty: open."),
        }

    def prepare(self) -> None:
        if "switch" in self.fields:
            names = Switch.objects.order_by("name").values_list("name", flat=True)
            self.fields["switch"].choices = [("", "–"), *((name, name) for name in names)]  # type: ignore[attr-defined]


class MoveForm(StaffForm):
    """To whom an identity goes, and from when on."""

    account = RowField(Identity, "account", label=_("Account"), help_text=_("Whose traffic it is from then on."))
    moved_at = InstantField(label=_("From"), help_text=_("On the clock of the account that it leaves."))

    def prepare(self) -> None:
        field = self.fields["moved_at"]
        field.zone = get_zone(self.obj.account.timezone)  # type: ignore[attr-defined]
        field.initial = now().replace(microsecond=0)


@site.screen(Identity)
class IdentityAdmin(TenantAdmin):
    """By what traffic is told to be an account's."""

    permission_to_view = Permission.ACCOUNTS_READ
    permission_to_add = Permission.IDENTITIES_WRITE
    empty_text = _(
        "An identity says by which trunk, address or number traffic is an account's. Without one, its records are rejected as unknown."
    )
    form = IdentityForm
    list_display = (
        "shown_value", "shown_kind", "shown_side", "account", "switch", "tech_prefix", "shown_validity", "shown_standing",
    )  # fmt: skip
    list_filter = (
        ("account", AutocompleteSelectFilter),
        ("kind", ChoiceFilter),
        ("side", ChoiceFilter),
        HoldsFilter,
    )
    list_select_related = ("account",)
    search_fields = ("value",)
    search_help_text = _("The whole value, or how it begins")
    ordering = ("value", "id")
    autocomplete_fields = ("account",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Identity], search_term: str
    ) -> tuple[QuerySet[Identity], bool]:
        """By the beginning of the value, as a range: LIKE reaches no index under row-level security."""
        words = search_term.strip()
        if words:
            queryset = queryset.filter(Q(value__gte=words, value__lt=f"{words}\U0010ffff"))
        return queryset, False

    @display(description=_("Value"), ordering="value")
    def shown_value(self, identity: Identity) -> str:
        """The mark itself."""
        return identity.value

    @display(description=_("Kind"))
    def shown_kind(self, identity: Identity) -> str:
        """What of a record is looked at."""
        return choice(identity, "kind")

    @display(description=_("Side"))
    def shown_side(self, identity: Identity) -> str:
        """Which direction."""
        return choice(identity, "side")

    @display(description=_("Holds"))
    def shown_validity(self, identity: Identity) -> str:
        """From when to when, on the account's clock."""
        return validity(identity.valid_from, identity.valid_to, identity.account.timezone)

    @display(description=_("Now"))
    def shown_standing(self, identity: Identity) -> SafeString:
        """Whether it holds now."""
        return standing(identity.valid_from, identity.valid_to, now())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ((None, {"fields": IdentityForm.Meta.fields}),)
        shown = ("account", "shown_kind", "value", "shown_side", "switch", "tech_prefix", "priority", "shown_validity")
        return ((None, {"fields": (*shown, "shown_standing")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        shown = ("shown_kind", "shown_side", "shown_validity", "shown_standing")
        return (*IdentityForm.Meta.fields, *shown) if obj is not None else ()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Identity:
        return actions.add_identity(**data, at=now())

    @verb(
        _("End"),
        permission=Permission.IDENTITIES_WRITE,
        icon="event_busy",
        text=_("Records that start then or later are not told to be the account's by it any more."),
        form=EndForm,
    )
    def end(self, request: HttpRequest, obj: Identity, data: dict[str, Any]) -> str:
        """Let an identity end."""
        ended = actions.end_identity(identity_id=obj.pk, valid_to=data["valid_to"], at=now())
        zone = obj.account.timezone
        return gettext("It holds %(when)s.") % {"when": validity(ended.valid_from, ended.valid_to, zone)}

    @verb(
        _("Move"),
        permission=Permission.IDENTITIES_WRITE,
        icon="move_item",
        text=_("It ends for this account at that instant, and an equal one begins for the other."),
        form=MoveForm,
    )
    def move(self, request: HttpRequest, obj: Identity, data: dict[str, Any]) -> str:
        """Give an identity to another account."""
        moved = actions.move_identity(identity_id=obj.pk, account=data["account"], moved_at=data["moved_at"], at=now())
        return gettext("From then on it is that of %(account)s.") % {"account": moved.account.name}

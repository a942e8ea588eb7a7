"""The sidebar, by task. What one may not see is not there, and neither is a task of which one may see nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.tenancy.queries import current_tenant

Item = tuple[Any, str, str, Permission]  # title, icon, name of the address below `admin:`, permission

TRAFFIC, PRICES, BUYING, SELLING = _("Traffic"), _("Prices"), _("Buying"), _("Selling")
PARTIES = _("Customers and vendors")
INVOICES, REPORTS, SETTINGS = _("Invoices"), _("Reports"), _("Settings")

# In the order of the sidebar. Screens that are not there are left out.
TASKS: list[tuple[Any, list[Item]]] = [
    (
        TRAFFIC,
        [
            (_("Call records"), "manage_search", "records", Permission.RECORDS_READ),
            (_("Files"), "inventory_2", "usage_batch_changelist", Permission.USAGE_READ),
            (_("Try a file"), "science", "try", Permission.USAGE_LOAD),
            (_("Rejects"), "report", "rejects", Permission.USAGE_READ),
            (_("Waiting legs"), "hourglass_top", "waiting_legs", Permission.USAGE_READ),
            (_("Re-rating"), "published_with_changes", "rerating", Permission.USAGE_READ),
            (_("Traffic rules"), "rule", "usage_trafficrule_changelist", Permission.RULES_READ),
            (_("Switches"), "dns", "usage_switch_changelist", Permission.SWITCHES_READ),
            (_("Sources"), "cloud_download", "usage_source_changelist", Permission.SOURCES_READ),
        ],
    ),
    (
        PRICES,
        [
            (_("Tariffs"), "sell", "tariffs_tariff_changelist", Permission.TARIFFS_READ),
            (_("Rates"), "list_alt", "tariffs_rate_changelist", Permission.TARIFFS_READ),
            (_("Special rates"), "star", "tariffs_specialrate_changelist", Permission.TARIFFS_READ),
            (_("Price of a call"), "calculate", "rate_preview", Permission.TARIFFS_READ),
            (_("Code decks"), "dialpad", "tariffs_codedeck_changelist", Permission.TARIFFS_READ),
            (_("Destination groups"), "workspaces", "tariffs_destinationgroup_changelist", Permission.TARIFFS_READ),
            (_("Time profiles"), "schedule", "tariffs_timeprofile_changelist", Permission.TARIFFS_READ),
            (_("Exchange rates"), "currency_exchange", "tariffs_exchangerate_changelist", Permission.TARIFFS_READ),
        ],
    ),
    (
        BUYING,
        [
            (_("Rate sheets"), "upload_file", "pricing_sheetimport_changelist", Permission.TARIFFS_READ),
            (_("Sheets by mail"), "mail", "pricing_mail_changelist", Permission.TARIFFS_READ),
            (_("Sheet templates"), "table_view", "pricing_sheettemplate_changelist", Permission.TARIFFS_READ),
            (_("Agreements"), "handshake", "pricing_agreement_changelist", Permission.TARIFFS_READ),
            (_("Mailboxes"), "inbox", "pricing_mailbox_changelist", Permission.TARIFFS_READ),
            (_("Mail rules"), "rule_folder", "pricing_mailrule_changelist", Permission.TARIFFS_READ),
        ],
    ),
    (
        SELLING,
        [
            (_("Generators"), "auto_awesome", "pricing_generator_changelist", Permission.TARIFFS_READ),
            (_("Generator runs"), "play_circle", "pricing_generatorrun_changelist", Permission.TARIFFS_READ),
            (_("Rate analysis"), "compare_arrows", "rate_analysis", Permission.TARIFFS_READ),
            (_("Notifications"), "outgoing_mail", "pricing_notification_changelist", Permission.TARIFFS_READ),
            (_("Who is told"), "contact_mail", "pricing_notificationplan_changelist", Permission.TARIFFS_READ),
            (
                _("Price list templates"),
                "view_column",
                "pricing_notificationtemplate_changelist",
                Permission.TARIFFS_READ,
            ),
            (_("Swap deals"), "swap_horiz", "pricing_deal_changelist", Permission.TARIFFS_READ),
        ],
    ),
    (
        PARTIES,
        [
            (_("Accounts"), "groups", "parties_account_changelist", Permission.ACCOUNTS_READ),
            (_("Identities"), "fingerprint", "parties_identity_changelist", Permission.ACCOUNTS_READ),
            (_("Billing profiles"), "contact_mail", "parties_billingprofile_changelist", Permission.ACCOUNTS_READ),
        ],
    ),
    (
        INVOICES,
        [
            (_("Invoices"), "receipt_long", "invoicing_invoice_changelist", Permission.INVOICES_READ),
            (_("Unbilled"), "pending_actions", "unbilled", Permission.INVOICES_READ),
            (_("Bill runs"), "playlist_play", "invoicing_billrun_changelist", Permission.INVOICES_READ),
            (_("Journal"), "book", "ledger_entry_changelist", Permission.LEDGER_READ),
            (_("Trial balance"), "balance", "trial_balance", Permission.LEDGER_READ),
            (_("Statements"), "summarize", "statement", Permission.LEDGER_READ),
        ],
    ),
    (
        REPORTS,
        [
            (_("Summary"), "bar_chart", "summary", Permission.REPORTS_READ),
            (_("Saved reports"), "bookmarks", "reports_savedreport_changelist", Permission.REPORTS_READ),
        ],
    ),
    (
        SETTINGS,
        [
            (_("Operator"), "tune", "settings", Permission.SETTINGS_READ),
            (_("Staff"), "badge", "identity_membership_changelist", Permission.STAFF_READ),
            (_("Roles"), "admin_panel_settings", "identity_role_changelist", Permission.STAFF_READ),
            (_("API keys"), "key", "identity_apikey_changelist", Permission.KEYS_READ),
            (_("Denied"), "block", "identity_denial_changelist", Permission.HISTORY_READ),
            (_("Visits of the platform"), "visibility", "identity_staffsession_changelist", Permission.HISTORY_READ),
        ],
    ),
]

# What the path above a page calls the room that its rows are of.
TASK_OF_APP: dict[str, Any] = {
    "usage": TRAFFIC, "tariffs": PRICES, "pricing": PRICES, "parties": PARTIES, "invoicing": INVOICES, "ledger": INVOICES, "reports": REPORTS,
    "identity": SETTINGS, "tenancy": SETTINGS,
}  # fmt: skip


def called(app_label: str, model_name: str) -> Any | None:
    """What the sidebar calls the list of a model; None where it has none."""
    name = f"{app_label}_{model_name}_changelist"
    return next((item[0] for _title, items in TASKS for item in items if item[2] == name), None)


def task_above(request: HttpRequest, address: str) -> tuple[Any, str] | None:
    """The task that the list at that address belongs to, and where its name leads: its first page that this person sees."""
    may = principal_of(request).permissions
    for title, items in _addresses(get_script_prefix())[1]:
        if any(address == url for _name, _icon, url, _permission in items):
            return title, next((url for _name, _icon, url, permission in items if permission in may), address)
    return None


def first_of_task(request: HttpRequest, app_label: str) -> str | None:
    """Where the name of a room leads: the first page of its task that this person sees."""
    title = TASK_OF_APP.get(app_label)
    groups = (group for group in sidebar(request) if title is not None and group["title"] == title)
    return next((item["link"] for group in groups for item in group["items"]), None)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups and items that this person sees (Unfold's callback; the template is `unfold/helpers/app_list.html`)."""
    may, path, (index, tasks) = principal_of(request).permissions, request.path, _addresses(get_script_prefix())
    first = {"title": gettext("Dashboard"), "icon": "space_dashboard", "link": index, "active": path == index}
    groups: list[dict[str, Any]] = [{"title": None, "items": [first]}]
    for title, items in tasks:
        shown = [
            {"title": name, "icon": icon, "link": url, "active": path.startswith(url)}
            for name, icon, url, permission in items
            if permission in may
        ]
        if shown:
            groups.append({"title": title, "items": shown})
    return groups


@lru_cache(maxsize=4)
def _addresses(prefix: str) -> tuple[str, list[tuple[Any, list[Item]]]]:
    """The address of the dashboard, and of every page of the sidebar in place of its name: below one prefix they stay what they are."""
    return reverse("admin:index"), [(title, list(_there(items))) for title, items in TASKS]


def _there(items: Iterable[Item]) -> Iterable[Item]:
    for title, icon, name, permission in items:
        try:
            yield title, icon, reverse(f"admin:{name}"), permission
        except NoReverseMatch:
            continue


def operator_name(request: HttpRequest) -> str:
    """The operator in whose data one works: above the sidebar, so that nobody mistakes one for another."""
    return current_tenant().name


def own_account(request: HttpRequest) -> list[dict[str, Any]]:
    """What belongs to the person: password and second factor, other operators."""
    links: tuple[tuple[str, str], ...] = (
        (gettext("Profile"), "profile"),
        (gettext("Sign-in and security"), "mfa_index"),
        (gettext("This operator"), "home"),
        (gettext("Another operator"), "choose_tenant"),
    )
    if getattr(request.user, "is_platform_staff", False):
        links += ((gettext("Operators of this installation"), "platform"),)
    return [{"title": title, "link": reverse(name)} for title, name in links]


def language_address(request: HttpRequest) -> str:
    """Where the choice of a language goes."""
    return reverse("admin:set_language")


def favicon(request: HttpRequest) -> str:
    """The sign in the browser's tab."""
    return static("trunkline/icon.svg")


def style_sheet(request: HttpRequest) -> str:
    """Our few rules besides Unfold's."""
    return static("backoffice/office.css")


def script(request: HttpRequest) -> str:
    """Keys, and pages that follow their progress."""
    return static("backoffice/office.js")

"""Call records: searching one among millions, and why it costs what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.forms import InstantField, StaffForm, refuse, set_choices, set_zone
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.site import site
from trunkline.backoffice.why import sections_of
from trunkline.backoffice.words import duration, local, money
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.period import get_zone
from trunkline.identity.permissions import Permission
from trunkline.invoicing.queries import find_billing
from trunkline.parties.models import Account
from trunkline.parties.queries import get_account
from trunkline.tariffs.models import Destination
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.explain import explain_record
from trunkline.usage.explained import as_json
from trunkline.usage.locate import Sought, access_record
from trunkline.usage.models import Switch
from trunkline.usage.queries import access_switch
from trunkline.usage.search import LISTED, Found, search_records
from trunkline.usage.segments import WEB

PAGE_ROWS: Final = 50
ROWS_MAX: Final = 1_000
COLUMNS: Final = (*LISTED, "sip_code")
MINUTE: Final = timedelta(minutes=1)


class SearchForm(StaffForm):
    """What is asked of records."""

    number = forms.CharField(
        label=gettext_lazy("Number"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("Calling or called, with its country code; its beginning with a star: 2547*."),
    )
    account = forms.CharField(
        label=gettext_lazy("Account"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("Short name of a customer or vendor, on either side of the call."),
    )
    start_from = InstantField(
        label=gettext_lazy("From"), required=False, help_text=gettext_lazy("Calls that start then or later.")
    )
    start_to = InstantField(
        label=gettext_lazy("To"),
        required=False,
        help_text=gettext_lazy("Calls that start before; itself not included."),
    )
    cause = forms.IntegerField(
        label=gettext_lazy("Cause"),
        required=False,
        min_value=0,
        max_value=999,
        help_text=gettext_lazy("Q.850 cause with which the call ended: 16 is a normal end, 34 no circuit."),
    )
    switch = forms.ChoiceField(
        label=gettext_lazy("Switch"), required=False, help_text=gettext_lazy("Only records that this switch wrote.")
    )

    def prepare(self) -> None:
        set_zone(self, get_zone(current_tenant().timezone), "start_from", "start_to")
        names = Switch.objects.order_by("name").values_list("name", flat=True)
        set_choices(self, "switch", [("", _("All switches")), *((name, name) for name in names)])


@site.page("traffic/records/", name="records", permission=Permission.RECORDS_READ)
def records(request: HttpRequest) -> HttpResponse:
    """Search records: the newest that fit, and further ones on request."""
    is_asked = any(request.GET.get(name) for name in SearchForm.base_fields)
    form = SearchForm(request.GET if is_asked else None, request=request)
    panel, more = None, ""
    if is_asked and form.is_valid():
        limit = _limit(request)
        try:
            found = _search(form.cleaned_data, limit)
        except (Invalid, NotFound) as error:
            refuse(form, error)
        else:
            panel = _panel(found)
            if not found.is_complete and limit < ROWS_MAX:
                query = request.GET.copy()
                query["rows"] = str(min(limit * 4, ROWS_MAX))
                more = f"?{query.urlencode()}"
    context = {
        "title": _("Call records"),
        "form": form,
        "panel": panel,
        "more": more,
        "zone": current_tenant().timezone,
        "empty_text": _("No record fits. Look at a longer time, or at the beginning of the number with a star."),
    }
    return site.render(request, "backoffice/records.html", context, 422 if form.errors else 200)


def _limit(request: HttpRequest) -> int:
    text = request.GET.get("rows", "")
    return min(max(int(text), 1), ROWS_MAX) if text.isascii() and text.isdigit() and len(text) < 6 else PAGE_ROWS


def _search(asked: dict[str, Any], limit: int) -> Found:
    """Raises what the search does, and NotFound where there is no such account."""
    return search_records(
        number=asked["number"] or None,
        account_id=get_account(asked["account"].strip()).pk if asked["account"] else None,
        cause=asked["cause"],
        switch_id=access_switch(asked["switch"]).pk if asked["switch"] else None,
        start_from=asked["start_from"],
        start_to=asked["start_to"],
        limit=limit,
        columns=COLUMNS,
        limits=WEB,
    )


def _panel(found: Found) -> Panel:
    accounts = {row[f"{side}_account_id"] for row in found.records for side in ("sell", "buy")} - {None}
    codes = dict(Account.objects.filter(pk__in=accounts).values_list("id", "code"))
    places = {row["sell_destination_id"] for row in found.records} - {None}
    names = dict(Destination.objects.filter(pk__in=places).values_list("id", "name"))
    rows = [
        (
            Link(local(row["start"]), why_address(row["key"], row["start"])),
            row["calling"] or _("withheld"),
            row["called"],
            names.get(row["sell_destination_id"], "–"),
            duration(row["quantity"], row["service"]),
            row["cause"] if row["cause"] is not None else row["sip_code"],
            codes.get(row["sell_account_id"], "–"),
            money(row["sell_amount"], row["sell_currency"]),
            codes.get(row["buy_account_id"], "–"),
            money(row["buy_amount"], row["buy_currency"]),
        )
        for row in found.records
    ]
    headers = (_("Start"), _("Calling"), _("Called"), _("Destination"), _("Used"), _("Cause"),
               _("Customer"), _("Revenue"), _("Vendor"), _("Cost"))  # fmt: skip
    count = len(rows)
    title = _("%(count)d records") if found.is_complete else _("The newest %(count)d records")
    return Panel(title % {"count": count}, headers, rows, right=frozenset({4, 5, 7, 9}))


def why_address(key: str, start: datetime | None, *, is_reject: bool = False) -> str:
    """Where the price of a record is explained. Its minute spares a look into the segments of all other days."""
    asked = {"key": key} | ({"reject": "1"} if is_reject else {})
    if start is not None:
        asked["at"] = start.replace(second=0, microsecond=0).isoformat()
    return f"{_page_of_why(get_script_prefix())}?{urlencode(asked)}"


@lru_cache(maxsize=4)
def _page_of_why(prefix: str) -> str:
    """Its address below a prefix: a list asks for it in every row."""
    return reverse("admin:record_why")


class KeyForm(StaffForm):
    """Which record is meant."""

    key = forms.CharField(
        label=gettext_lazy("Key"),
        max_length=1000,
        help_text=gettext_lazy("Key of the record, as exports, the API and the command line show it."),
    )


@site.page("traffic/records/why/", name="record_why", permission=Permission.RECORDS_READ)
def why(request: HttpRequest) -> HttpResponse:
    """Why a record costs what it costs: everything that led to it, computed again."""
    key = request.GET.get("key", "")
    if not key:
        context = {"title": _("Why this price"), "form": KeyForm(request=request), "back": reverse("admin:records")}
        return site.render(request, "backoffice/record_key.html", context)
    switch = request.GET.get("switch", "")
    sought = Sought(
        key=key,
        at=_instant(request.GET.get("at", "")),
        switch_id=access_switch(switch).pk if switch else None,
        is_reject="reject" in request.GET,
    )
    found = explain_record(access_record(sought))
    said = as_json(found, find_billing(found.rollup_ids))
    context = {
        "title": _("Why this price") if said["reject"] is None else _("Why this was rejected"),
        "said": said,
        "sections": sections_of(said),
        "back": reverse("admin:records" if said["reject"] is None else "admin:rejects"),
    }
    return site.render(request, "backoffice/why.html", context)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("bad_time", f"{text[:40]!r} is no time.") from None
    if found.tzinfo is None:
        raise Invalid("bad_time", f"{text[:40]!r} has no offset.")
    return found

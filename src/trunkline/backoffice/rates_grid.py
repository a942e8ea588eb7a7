"""The rates of one tariff as a grid: filtered by how they stand to a day, edited in their row, many at once, and taken out as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext

from trunkline.backoffice.forms import refuse
from trunkline.backoffice.rate_edits import edit_address, latest_edits
from trunkline.backoffice.rate_forms import GridForm, ManyForm, RowForm, price_parts
from trunkline.backoffice.shown import label, price_text, standing
from trunkline.backoffice.site import site
from trunkline.core.errors import TrunklineError
from trunkline.core.period import get_zone, local_date
from trunkline.identity.outside import Outside
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.kit.lookups import digits_begin
from trunkline.pricing import actions, rate_export
from trunkline.pricing.models import TariffEdit
from trunkline.pricing.rate_edits import Chosen, RateEdit, RateKind, Standing
from trunkline.tariffs.models import Destination, Rate, Tariff
from trunkline.tariffs.rules import describe_steps, parse_steps

ROWS: Final = 50
NAMES_MAX: Final = 2000
IDS_MAX: Final = 1000
FILES: Final = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def _tariff(tariff_id: int) -> Tariff:
    found = Tariff.objects.filter(pk=tariff_id).first()
    if found is None:
        raise Http404
    return found


@site.page("prices/tariffs/<int:tariff_id>/rates/", name="rates_grid", permission=Permission.TARIFFS_READ)
def rates_grid(request: HttpRequest, tariff_id: int) -> HttpResponseBase:
    """The grid: look, edit a row, edit many, take out."""
    principal = principal_of(request)
    if request.method == "POST":
        principal.require(Permission.TARIFFS_WRITE)
    tariff = _tariff(tariff_id)
    form = GridForm(request.GET, request=request)
    if request.method != "POST":
        if request.GET.get("file") in FILES:
            return _export(request, tariff, form, request.GET["file"])
        return _page(request, tariff, form)
    if "row" in request.POST:
        return _edit_row(request, tariff, form)
    return _edit_many(request, tariff, form)


def rates_of(tariff: Tariff, chosen: Chosen) -> QuerySet[Rate]:
    """The chosen rates, in the order of their codes."""
    found = Rate.objects.filter(tariff=tariff, voided_at__isnull=True)
    at = chosen.at
    begun = Q(valid_from__isnull=True) | Q(valid_from__lte=at)
    match chosen.standing:
        case Standing.CURRENT:
            found = found.filter(begun & (Q(valid_to__isnull=True) | Q(valid_to__gt=at)))
        case Standing.FUTURE:
            found = found.filter(valid_from__gt=at)
        case Standing.PAST:
            found = found.filter(valid_to__lte=at)
    if chosen.code:
        found = found.filter(digits_begin("code", chosen.code))
    if chosen.name:
        # Destinations are thousands, rates are hundreds of thousands.
        names = Destination.objects.filter(name__icontains=chosen.name).values_list("pk", flat=True)[:NAMES_MAX]
        found = found.filter(destination_id__in=list(names))
    match chosen.kind:
        case RateKind.BLOCKED:
            found = found.filter(blocked=True)
        case RateKind.PRICED:
            found = found.filter(blocked=False)
        case RateKind.ADDITIVE:
            found = found.filter(blocked=False, additive=True)
    return found.order_by("code", "id")


def _key(text: str) -> tuple[str, int] | None:
    """The place of a row in the grid, as addresses have it: code and id."""
    code, _dot, number = text.partition(".")
    if not number.isdecimal() or len(number) > 18 or not (code == "" or code.isdecimal()) or len(code) > 18:
        return None
    return code, int(number)


def _rows(tariff: Tariff, chosen: Chosen, after: str, before: str) -> tuple[list[Rate], bool, bool]:
    """A page of rates, whether there are more after it, and before it."""
    rates = rates_of(tariff, chosen).select_related("destination", "time_profile")
    if before and (key := _key(before)):
        code, number = key
        rates = rates.filter(Q(code__lt=code) | Q(code=code, id__lt=number)).order_by("-code", "-id")
        found = list(rates[: ROWS + 1])
        return found[:ROWS][::-1], True, len(found) > ROWS
    if after and (key := _key(after)):
        code, number = key
        rates = rates.filter(Q(code__gt=code) | Q(code=code, id__gt=number), code__gte=code)
    found = list(rates[: ROWS + 1])
    return found[:ROWS], len(found) > ROWS, bool(after)


def _page(
    request: HttpRequest,
    tariff: Tariff,
    form: GridForm,
    *,
    row: RowForm | None = None,
    many: ManyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    may_write = principal_of(request).may(Permission.TARIFFS_WRITE)
    chosen = form.chosen(tariff)
    rates, has_more, has_before = _rows(tariff, chosen, request.GET.get("after", ""), request.GET.get("before", ""))
    asked = form.asked()
    editing = request.GET.get("edit", "")
    if row is None and may_write and editing.isdecimal():
        rate = next((each for each in rates if str(each.pk) == editing), None)
        if rate is not None:
            rate.tariff = tariff
            row = RowForm(request=request, obj=rate)
    here = asked | {name: request.GET[name] for name in ("after", "before") if request.GET.get(name)}
    context = {
        "title": gettext("Rates of %(tariff)s") % {"tariff": tariff},
        "tariff": tariff,
        "form": form,
        "rows": [_cells(each, tariff, here, row if row is not None and row.obj.pk == each.pk else None) for each in rates],
        "many": many if many is not None else (ManyForm(request=request, obj=tariff) if may_write else None),
        "is_many_open": many is not None,
        "may_write": may_write,
        "query": urlencode(here),
        "asked": urlencode(asked),
        "cancel": f"?{urlencode(here)}",
        "more": f"?{urlencode(asked | {'after': _place(rates[-1])})}" if has_more and rates else "",
        "before": f"?{urlencode(asked | {'before': _place(rates[0])})}" if has_before and rates else "",
        "is_filtered": bool(asked),
        "zone": tariff.timezone,
        "writing": actions.find_writing(tariff.pk),
        "latest": latest_edits(tariff),
        "empty_link": reverse("admin:sheet_new") + f"?tariff={tariff.pk}" if may_write else "",
        "back": reverse("admin:tariffs_tariff_change", args=(tariff.pk,)),
    }  # fmt: skip
    return site.render(request, "backoffice/rates_grid.html", context, status)


def _place(rate: Rate) -> str:
    return f"{rate.code}.{rate.pk}"


def _cells(rate: Rate, tariff: Tariff, here: dict[str, str], row: RowForm | None) -> dict[str, Any]:
    price, per, increments = price_parts(rate.steps)
    zone = get_zone(tariff.timezone)
    marks = []
    if rate.blocked:
        marks.append(label(gettext("blocked"), "danger"))
    elif rate.special_id is not None:
        marks.append(label(gettext("special"), "primary"))
    elif rate.additive:
        marks.append(label(gettext("surcharge"), "info"))
    profile = rate.time_profile.name if rate.time_profile else ""
    only = [each for each in (rate.origin, rate.tag, profile) if each]
    return {
        "id": rate.pk,
        "code": rate.code or gettext("every number"),
        "destination": rate.destination.name if rate.destination else "",
        "only": " · ".join(only),
        "price": ""
        if rate.blocked
        else f"{price} / {per}"
        if price
        else price_text(describe_steps(parse_steps(rate.steps))),
        "increments": increments if price and not rate.blocked else "",
        "begins": _local(rate.valid_from, zone),
        "ends": _local(rate.valid_to, zone),
        "standing": standing(rate.valid_from, rate.valid_to, now()),
        "marks": marks,
        "edit": f"?{urlencode(here | {'edit': rate.pk})}#rate-{rate.pk}",
        "form": row,
        # What a special rate has written is changed by changing that.
        "can_edit": rate.special_id is None and (rate.valid_to is None or rate.valid_to > now()),
    }


def _local(value: datetime | None, zone: Any) -> str:
    """A day on the tariff's clock, with the time where it is not midnight."""
    if value is None:
        return ""
    there = value.astimezone(zone)
    return f"{there:%Y-%m-%d}" if (there.hour, there.minute, there.second) == (0, 0, 0) else f"{there:%Y-%m-%d %H:%M}"


def _edit_row(request: HttpRequest, tariff: Tariff, form: GridForm) -> HttpResponseBase:
    """Change one rate as its row says."""
    given = request.POST["row"]
    rate = (
        Rate.objects.filter(tariff=tariff, pk=int(given), voided_at__isnull=True).first()
        if given.isdecimal() and len(given) < 19
        else None
    )
    if rate is None:
        raise Http404
    rate.tariff = tariff
    row = RowForm(request.POST, request=request, obj=rate)
    if not row.is_valid():
        return _page(request, tariff, form, row=row, status=422)
    try:
        said = row.edit(tariff)
    except TrunklineError as error:
        refuse(row, error)
        return _page(request, tariff, form, row=row, status=422)
    chosen = Chosen(at=now(), standing=Standing.ALL, ids=[rate.pk])
    return _outside(request, tariff, form, row, chosen, said, row.cleaned_data["note"])


def _edit_many(request: HttpRequest, tariff: Tariff, form: GridForm) -> HttpResponseBase:
    """Look at what a change of many would do; its page applies it."""
    many = ManyForm(request.POST, request=request, obj=tariff)
    ids = [int(each) for each in request.POST.getlist("rate")[:IDS_MAX] if each.isdecimal() and len(each) < 19]
    is_all = request.POST.get("whom") == "all"
    if not many.is_valid() or not (ids or is_all):
        if not (ids or is_all):
            many.add_error(None, gettext("Tick some rates, or choose all that are filtered."))
        return _page(request, tariff, form, many=many, status=422)
    try:
        said = many.edit()
    except TrunklineError as error:
        refuse(many, error)
        return _page(request, tariff, form, many=many, status=422)
    chosen = form.chosen(tariff, None if is_all else ids)
    principal, data, at = principal_of(request), many.cleaned_data, now()

    def work() -> TariffEdit | TrunklineError:
        try:
            return actions.keep_edit(
                principal.tenant_id,
                tariff_id=tariff.pk,
                chosen=chosen,
                edit=said,
                agreement_id=data["agreement"].pk if data["agreement"] else None,
                reason=data["note"],
                actor=principal.actor,
                at=at,
            )
        except TrunklineError as error:
            return error

    def answer(kept: TariffEdit | TrunklineError) -> HttpResponse:
        if isinstance(kept, TrunklineError):
            refuse(many, kept)
            return _page(request, tariff, form, many=many, status=422)
        return HttpResponseRedirect(edit_address(kept))

    return Outside(work, answer)


def _outside(
    request: HttpRequest, tariff: Tariff, form: GridForm, row: RowForm, chosen: Chosen, said: RateEdit, note: str
) -> HttpResponseBase:
    """Write an edit of one rate, outside the page's transaction; then the grid as it is."""
    principal, at = principal_of(request), now()

    def work() -> actions.EditDone | TrunklineError:
        try:
            return actions.edit(
                principal.tenant_id,
                tariff_id=tariff.pk,
                chosen=chosen,
                edit=said,
                reason=note,
                actor=principal.actor,
                at=at,
            )
        except TrunklineError as error:
            return error

    def done(result: actions.EditDone | TrunklineError) -> HttpResponse:
        if isinstance(result, TrunklineError):
            refuse(row, result)
            return _page(request, tariff, form, row=row, status=422)
        messages.success(
            request,
            gettext("The rate is changed: a new one holds from then on.")
            if result.made
            else gettext("The rate ends then."),
        )
        if result.proposes:
            messages.warning(request, gettext("Posted records may cost something else now: a re-rating is proposed."))
        here = {
            name: request.GET[name]
            for name in ("state", "on", "code", "name", "kind", "after", "before")
            if request.GET.get(name)
        }
        return HttpResponseRedirect(f"{reverse('admin:rates_grid', args=(tariff.pk,))}?{urlencode(here)}")

    return Outside(work, done)


def _export(request: HttpRequest, tariff: Tariff, form: GridForm, kind: str) -> HttpResponseBase:
    """What is filtered, as a file, all of it."""
    principal, chosen = principal_of(request), form.chosen(tariff)
    day = local_date(chosen.at, get_zone(tariff.timezone))

    def answer(file: Any) -> HttpResponseBase:
        name = f"{tariff.name}-{chosen.standing}-{day:%Y-%m-%d}.{kind}"
        return FileResponse(file, as_attachment=True, filename=name, content_type=FILES[kind])

    return Outside(
        lambda: rate_export.rates_file(principal.tenant_id, tariff.pk, chosen, kind, actor=principal.actor), answer
    )

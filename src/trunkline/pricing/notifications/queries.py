"""Every read of rate notifications. All run inside an open scope."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.db.models import Count, Q, QuerySet

from trunkline.core.errors import NotFound
from trunkline.core.period import get_zone, local_date
from trunkline.engine.units import Unit
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.models import find_public
from trunkline.parties.choices import ContactRole, Side
from trunkline.parties.models import Account, Contact
from trunkline.pricing import files
from trunkline.pricing.compare import Kind
from trunkline.pricing.models import Agreement, Notification, NotificationMail, NotificationPlan, NotificationTemplate
from trunkline.pricing.notifications import places
from trunkline.pricing.notifications.choices import WRONG, NotificationState
from trunkline.pricing.notifications.columns import CodeForm, Column, DateForm, FileForm, FileKind
from trunkline.pricing.notifications.news import Int64s, breaches
from trunkline.pricing.notifications.sold import lineage_mark
from trunkline.pricing.notifications.writing import About, Value, status_of
from trunkline.pricing.queries import notice_days, notice_of
from trunkline.tariffs.models import AccountTariff, Tariff
from trunkline.tariffs.rate_file import STANDING
from trunkline.tenancy.queries import current_tenant


def notification_templates() -> QuerySet[NotificationTemplate]:
    """Every template, by name."""
    return NotificationTemplate.objects.order_by("name")


def get_notification_template(name: str) -> NotificationTemplate:
    """The template of that name. Raises NotFound `notification_template_not_found`."""
    found = notification_templates().filter(name=name).first()
    if found is None:
        raise NotFound("notification_template_not_found", f"There is no template of notifications {name!r}.")
    return found


def access_notification_template(template_id: int) -> NotificationTemplate:
    """The template of that id. Raises NotFound `notification_template_not_found`."""
    found = notification_templates().filter(pk=template_id).first()
    if found is None:
        raise NotFound("notification_template_not_found", "There is no such template of notifications.")
    return found


def form_of(template: NotificationTemplate) -> FileForm:
    """How its files look. Raises Invalid as `FileForm` does."""
    return FileForm(
        columns=tuple((Column(name), title) for name, title in template.columns),
        kind=FileKind(template.kind),
        date_form=DateForm(template.date_form),
        decimal_mark=template.decimal_mark,
        code_form=CodeForm(template.code_form),
        title_rows=tuple(template.title_rows),
        has_currency_row=template.has_currency_row,
    )


def plans(account: Account | None = None) -> QuerySet[NotificationPlan]:
    """Who is told of which tariff, by account and tariff; those of an account."""
    found = NotificationPlan.objects.select_related("account", "tariff", "template", "agreement")
    found = found.order_by("account__code", "tariff__name")
    return found if account is None else found.filter(account=account)


def get_plan(account_code: str, tariff_name: str) -> NotificationPlan:
    """The plan of an account and a tariff. Raises NotFound `notification_plan_not_found`."""
    found = plans().filter(account__code=account_code, tariff__name=tariff_name).first()
    if found is None:
        raise NotFound(
            "notification_plan_not_found",
            f"{account_code} is not told of {tariff_name}.",
            hint="`trunkline notification plan` says that it is.",
        )
    return found


def access_plan(public_id: str) -> NotificationPlan:
    """The plan of that id. Raises NotFound `notification_plan_not_found`."""
    found = find_public(plans(), public_id)
    if found is None:
        raise NotFound("notification_plan_not_found", "There is no such plan of notifications.")
    return found


def notifications(plan: NotificationPlan | None = None) -> QuerySet[Notification]:
    """Notifications, the latest first; those of a plan."""
    found = Notification.objects.select_related("plan__account", "plan__tariff", "plan__agreement")
    found = found.order_by("-made_at", "-pk")
    return found if plan is None else found.filter(plan=plan)


def access_notification(public_id: str) -> Notification:
    """The notification of that id. Raises NotFound `notification_not_found`."""
    found = find_public(notifications(), public_id)
    if found is None:
        raise NotFound("notification_not_found", "There is no such notification.")
    return found


def last_sent(plan: NotificationPlan) -> Notification | None:
    """What the customer was told last; a notification of which no mail went out does not count."""
    return notifications(plan).filter(state=NotificationState.SENT).order_by("-notified_at", "-pk").first()


def mails(notification: Notification) -> QuerySet[NotificationMail]:
    """The mails of a notification, by address."""
    return NotificationMail.objects.filter(notification=notification).order_by("address")


def mail_counts(rows: list[Notification]) -> dict[int, dict[str, int]]:
    """How many mails each notification has, and how many went out or failed, by its id."""
    counted = (
        NotificationMail.objects.filter(notification__in=[row.pk for row in rows])
        .values("notification_id")
        .annotate(
            all=Count("id"), sent=Count("id", filter=Q(state="sent")), wrong=Count("id", filter=Q(state__in=WRONG))
        )
    )
    return {row["notification_id"]: {name: row[name] for name in ("all", "sent", "wrong")} for row in counted}


def wrong_mails() -> list[NotificationMail]:
    """Mails that did not go out, or of which nobody knows, of the last notification that each customer was to get; a few of them."""
    newest = notifications().filter(notified_at__isnull=False).order_by("plan", "-notified_at", "-pk").distinct("plan")
    found = NotificationMail.objects.filter(notification__in=newest.values("pk"), state__in=WRONG)
    return list(found.select_related("notification__plan__account", "notification__plan__tariff").order_by("-pk")[:20])


def recipients_of(plan: NotificationPlan) -> list[str]:
    """To whom its notifications go: the plan's addresses, else the account's contacts for rates, else its general ones."""
    if plan.recipients:
        return list(plan.recipients)
    contacts = Contact.objects.filter(account_id=plan.account_id).exclude(email="").order_by("pk")
    for role in (ContactRole.RATES, ContactRole.GENERAL):
        found = list(dict.fromkeys(each.email for each in contacts if each.role == role))
        if found:
            return found
    return []


def is_assigned(account: Account, tariff: Tariff, at: datetime) -> bool:
    """Whether an account buys by a tariff, now or later."""
    assigned = AccountTariff.objects.filter(account=account, tariff=tariff, side=Side.SELL)
    return assigned.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at)).exists()


def about(plan: NotificationPlan, at: datetime) -> About:
    """Whose prices a file has, and how they are counted."""
    zone = get_zone(plan.tariff.timezone)
    return About(
        operator=current_tenant().name,
        account=plan.account.name,
        tariff=plan.tariff.name,
        currency=plan.tariff.currency,
        unit=Unit(plan.tariff.unit),
        zone=zone,
        day=local_date(at, zone),
    )


def read_news(notification: Notification) -> pa.Table:
    """The lines of a notification, of `news.NEWS`."""
    return files.read_table(places.find_folder(current_tenant_id(), notification.public_id) / places.NEWS)


def read_known(notification: Notification) -> pa.Table:
    """What the customer knows after a notification, of `STANDING`; what a rate could not say yet when it was made is empty."""
    table = files.read_table(places.find_folder(current_tenant_id(), notification.public_id) / places.TOLD)
    columns = [
        table[field.name] if field.name in table.schema.names else pa.nulls(len(table), field.type)
        for field in STANDING
    ]
    return pa.table(columns, schema=STANDING)


def is_current(notification: Notification) -> bool:
    """Whether the prices that a notification tells are still those of its tariff and of the tariffs that this takes over from."""
    path = places.find_folder(current_tenant_id(), notification.public_id) / places.TOLD
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        mark = (reader.schema.metadata or {}).get(places.LINEAGE.encode(), b"")
    return bool(mark.decode() == lineage_mark(notification.plan.tariff))


def file_of(notification: Notification) -> Path:
    """The file of a notification, as it is sent."""
    return places.find_folder(current_tenant_id(), notification.public_id) / notification.file_name


def first_allowed_s(agreement: Agreement | None, notified_at: datetime) -> dict[Kind, int | None]:
    """From when on each kind of change may begin that is told at an instant, in seconds; None: it needs no notice."""
    found: dict[Kind, int | None] = dict.fromkeys(Kind)
    if agreement is None:
        return found
    days = notice_days(agreement)
    days[Kind.MOVED] = days[Kind.INCREMENT]
    notice = notice_of(agreement)
    for kind, needed in days.items():
        if needed:
            found[kind] = int(notice.first_allowed(notified_at, needed).timestamp())
    return found


def find_breaches(plan: NotificationPlan, news: pa.Table, *, is_first: bool, notified_at: datetime) -> Int64s:
    """The lines that begin sooner than the plan's agreement allows. The first price list that a customer gets changes nothing, so it breaks nothing."""
    agreement = None if is_first else plan.agreement
    return breaches(news, first_allowed_s(agreement, notified_at).__getitem__)


def shown_lines(
    notification: Notification, *, limit: int, offset: int = 0, only_breaches: bool = False
) -> list[dict[str, Any]]:
    """Lines of a notification for people and programs: status, dates and prices as the file says them, and `allowed` where one begins too soon."""
    news = read_news(notification)
    plan = notification.plan
    at = notification.notified_at or notification.made_at
    too_soon = find_breaches(plan, news, is_first=notification.before_id is None, notified_at=at)
    rows = too_soon if only_breaches else range(len(news))
    wanted = list(rows[offset : offset + limit])
    allowed = first_allowed_s(plan.agreement, at)
    marked = set(too_soon.tolist())
    told = about(plan, at)
    shown = []
    for row, line in zip(wanted, news.take(pa.array(wanted, pa.int64())).to_pylist(), strict=True):
        cells = cells_of(line, told)
        until = allowed[Kind(line["kind"])] if int(row) in marked else None
        shown.append(cells | {"status": status_of(line), "allowed": until})
    return shown


def cells_of(line: dict[str, Any], told: About) -> dict[str, Value]:
    """What a line says, by the names of columns; where columns cannot say its price, its steps stand in the place of the rate."""
    from trunkline.core.errors import Invalid
    from trunkline.pricing.notifications.writing import line_cells

    try:
        cells = line_cells(line, told)
    except Invalid:
        cells = {Column.CODE: line["code"], Column.DESTINATION: line["destination"], Column.RATE: line["steps"]}
        cells[Column.EFFECTIVE] = line["valid_from"].astimezone(told.zone)
    return {column.value: cells.get(column) for column in Column}

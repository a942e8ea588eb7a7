"""Every write of the reports. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.kit import jobs
from trunkline.kit.db.scope import current_tenant_id
from trunkline.reports.choices import SEND, AttachedFormat, DeliveryState, Every
from trunkline.reports.models import Delivery, SavedReport, Schedule
from trunkline.reports.presets import USUAL
from trunkline.reports.queries import find_schedule, get_saved_report, parse_question, zone_of
from trunkline.reports.rules import find_column
from trunkline.reports.schedule import Plan

NAME_MAX: Final = 120
RECIPIENTS_MAX: Final = 20


def save_report(*, name: str, asked: Mapping[str, str]) -> tuple[SavedReport, bool]:
    """Afterwards `name` stands for the question `asked`, whatever it stood for before; gives the row, and whether it is new.

    Options that are empty are not kept, but `by`, which says that there shall be no groups. Raises Invalid for a
    question that cannot be understood, `unknown_column`, `unknown_timezone`, `bad_name`, Conflict `fixed_period` where it goes out by mail.
    """
    if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
        raise Invalid("bad_name", f"A saved report cannot be called {name!r}.", hint=f"Use up to {NAME_MAX} letters.")
    columns = parse_question(asked).columns()
    if asked.get("measure"):
        find_column(asked["measure"], columns)
    kept = {option: value for option, value in asked.items() if value or option == "by"}
    zone_of(kept)
    before = SavedReport.objects.filter(name=name).first()
    if before is not None and find_schedule(before) is not None:
        _require_moving(kept)
    return SavedReport.objects.update_or_create(name=name, defaults={"asked": kept})


def save_usual_reports() -> list[SavedReport]:
    """Afterwards the usual reports are kept, those of the same name as they were; gives the new ones."""
    there = set(SavedReport.objects.filter(name__in=USUAL).values_list("name", flat=True))
    return [save_report(name=name, asked=asked)[0] for name, asked in USUAL.items() if name not in there]


def remove_report(*, name: str) -> None:
    """Afterwards there is no saved report of that name, and none goes out; what was sent stays known. Raises NotFound `report_not_found`."""
    report = get_saved_report(name)
    Schedule.objects.filter(report=report).delete()
    Delivery.objects.filter(report=report, state=DeliveryState.WAITING).update(
        state=DeliveryState.FAILED,
        failure="report_removed",
        failure_detail="The report was removed before it went out.",
    )
    Delivery.objects.filter(report=report).update(report=None)
    report.delete()


def schedule_report(
    *,
    name: str,
    every: str,
    on_day: int | None,
    at_time: time,
    kind: str,
    recipients: Sequence[str],
    language: str = "en",
    at: datetime,
) -> Schedule:
    """Afterwards the saved report goes out by mail as said, from the next planned time on; what was said before counts no more.

    Raises NotFound `report_not_found`, Invalid `bad_schedule`, `bad_recipients`, `unknown_language`, Conflict `fixed_period`.
    """
    report = get_saved_report(name)
    if every not in Every.values or kind not in AttachedFormat.values:
        raise Invalid("bad_schedule", f"No report goes out every {every!r} as {kind!r}.")
    Plan(every, on_day, at_time)
    if language not in dict(settings.LANGUAGES):
        raise Invalid("unknown_language", f"There are no mails in {language!r}.", field="language")
    _require_moving(report.asked)
    said = {
        "every": every,
        "on_day": on_day,
        "at_time": at_time,
        "format": kind,
        "recipients": _checked_recipients(recipients),
        "language": language,
        "active_since": at,
    }
    return Schedule.objects.update_or_create(report=report, defaults=said)[0]


def unschedule_report(*, name: str) -> None:
    """Afterwards the report goes out no more. Raises NotFound `report_not_found`, `not_scheduled`."""
    report = get_saved_report(name)
    if not Schedule.objects.filter(report=report).delete()[0]:
        raise not_scheduled(report)


def send_report(*, name: str, at: datetime) -> Delivery:
    """Afterwards a mail with the report of now is on its way to those of its schedule. Raises NotFound `report_not_found`, `not_scheduled`."""
    report = get_saved_report(name)
    schedule = find_schedule(report)
    if schedule is None:
        raise not_scheduled(report)
    return _make_delivery(schedule, at, is_planned=False)[0]


def plan_deliveries(*, at: datetime) -> list[Delivery]:
    """Afterwards the latest mail that each schedule has planned is on its way; gives those that were not before.

    Only the latest: who was away for a week gets one mail, not seven. Looking twice, or two workers at once, makes one.
    """
    made = []
    for schedule in Schedule.objects.select_related("report").order_by("pk"):
        due_at = schedule.plan.last(at, zone_of(schedule.report.asked))
        if due_at >= schedule.active_since:
            delivery, is_new = _make_delivery(schedule, due_at, is_planned=True)
            made += [delivery] if is_new else []
    return made


def _make_delivery(schedule: Schedule, due_at: datetime, *, is_planned: bool) -> tuple[Delivery, bool]:
    report = schedule.report
    delivery, is_new = Delivery.objects.get_or_create(
        report=report,
        due_at=due_at,
        defaults={
            "name": report.name,
            "is_planned": is_planned,
            "format": schedule.format,
            "recipients": schedule.recipients,
            "language": schedule.language,
        },
    )
    if is_new:
        defer_sending(delivery)
    return delivery, is_new


def defer_sending(delivery: Delivery, *, in_seconds: int = 0) -> None:
    """Put the job that sends it in the queue."""
    jobs.defer(
        SEND,
        key=str(delivery.pk),
        in_seconds=in_seconds,
        tenant_id=current_tenant_id(),
        delivery_id=delivery.pk,
    )


def not_scheduled(report: SavedReport) -> NotFound:
    """What is said where a report does not go out by mail."""
    return NotFound("not_scheduled", f"The report {report.name!r} does not go out by mail.", hint="Schedule it first.")


def _require_moving(asked: Mapping[str, str]) -> None:
    if asked.get("to") or asked.get("as_of"):
        raise Conflict(
            "fixed_period",
            "Its days are fixed, so each mail would say the same.",
            hint="Save it with a period that moves, such as last_month.",
        )


def _checked_recipients(given: Sequence[str]) -> list[str]:
    """The addresses, each once. Raises Invalid `bad_recipients`."""
    found = list(dict.fromkeys(each.strip() for each in given if each.strip()))
    hint = f"Give up to {RECIPIENTS_MAX} addresses such as ada@example.com."
    if not 1 <= len(found) <= RECIPIENTS_MAX:
        raise Invalid("bad_recipients", f"There are {len(found)} recipients.", hint=hint, field="recipients")
    for address in found:
        try:
            validate_email(address)
        except ValidationError as error:
            raise Invalid(
                "bad_recipients", f"{address!r} is no mail address.", hint=hint, field="recipients"
            ) from error
    return found

"""Writes of how customers are told of prices: how the files look, and who is told of which tariff. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from trunkline.core.errors import Conflict, Invalid
from trunkline.kit.db.locks import lock_rows
from trunkline.parties.models import Account
from trunkline.pricing.models import NotificationPlan, NotificationTemplate
from trunkline.pricing.notifications.choices import CodeFormChoice, DateFormChoice, FileKindChoice, ModeChoice
from trunkline.pricing.notifications.columns import parse_columns
from trunkline.pricing.notifications.queries import form_of, is_assigned
from trunkline.tariffs.models import Tariff

NAME_MAX: Final = 120
RECIPIENTS_MAX: Final = 20
_CHOICES: Final = {"kind": FileKindChoice, "date_form": DateFormChoice, "code_form": CodeFormChoice}


def save_notification_template(*, name: str, **given: Any) -> tuple[NotificationTemplate, bool]:
    """Keep how files look under a name, one of that name is changed; the template, and whether it is new. What is not given stays.

    `columns` are those of `columns.parse_columns`. Raises Invalid `bad_name`, `bad_columns`, `bad_title`, `bad_decimal_mark`, `unknown_form`.
    """
    name = name.strip()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid("bad_name", f"A name has 1 to {NAME_MAX} printable characters.", field="name")
    if "columns" in given:
        given["columns"] = [[column.value, title] for column, title in parse_columns(given["columns"])]
    for field, choices in _CHOICES.items():
        if field in given and given[field] not in choices.values:
            raise Invalid(
                "unknown_form",
                f"{given[field]!r} is no {field}.",
                hint=f"Use {', '.join(choices.values)}.",
                field=field,
            )
    with transaction.atomic():
        found = NotificationTemplate.objects.select_for_update(no_key=True).filter(name=name).first()
        template = found or NotificationTemplate(name=name)
        for field, value in given.items():
            setattr(template, field, value)
        form_of(template)
        template.save()
    return template, found is None


def plan_notifications(
    *, account: Account, tariff: Tariff, template: NotificationTemplate, at: datetime, **given: Any
) -> tuple[NotificationPlan, bool]:
    """Let a customer be told of the prices of one of its tariffs; the plan, and whether it is new. What is not given stays as it is.

    Raises Conflict `not_assigned`; Invalid `bad_recipients`, `unknown_language`, `bad_hour`, `unknown_mode`.
    """
    if not is_assigned(account, tariff, at):
        raise Conflict(
            "not_assigned", f"{account.code} does not buy by {tariff.name}.", hint="Give the account the tariff first."
        )
    if "recipients" in given:
        given["recipients"] = _checked_recipients(given["recipients"])
    _require_plan(given)
    with transaction.atomic():
        found = NotificationPlan.objects.select_for_update(no_key=True).filter(account=account, tariff=tariff).first()
        plan = found or NotificationPlan(account=account, tariff=tariff, created_at=at, language=_language_of(account))
        plan.template = template
        for field, value in given.items():
            setattr(plan, field, value)
        plan.save()
    return plan, found is None


def change_plan(*, plan_id: int, **given: Any) -> NotificationPlan:
    """Change how a customer is told. Raises NotFound `not_found`, Invalid as `plan_notifications`."""
    if "recipients" in given:
        given["recipients"] = _checked_recipients(given["recipients"])
    _require_plan(given)
    with transaction.atomic():
        (plan,) = lock_rows(NotificationPlan.objects.select_related("account", "tariff"), [plan_id])
        for field, value in given.items():
            setattr(plan, field, value)
        plan.save()
    return plan


def _require_plan(given: dict[str, Any]) -> None:
    if given.get("language", "en") not in dict(settings.LANGUAGES):
        raise Invalid("unknown_language", f"There are no mails in {given['language']!r}.", field="language")
    if not 0 <= given.get("at_hour", 0) <= 23:
        raise Invalid("bad_hour", f"An hour is 0 to 23, not {given['at_hour']}.", field="at_hour")
    if given.get("mode", ModeChoice.CHANGES) not in ModeChoice.values:
        raise Invalid("unknown_mode", f"{given['mode']!r} is no mode.", hint="Use changes or all.", field="mode")


def _language_of(account: Account) -> str:
    """The language of the account's documents, where there are mails in it."""
    language = account.billing_profile.language.split("-")[0]
    return language if language in dict(settings.LANGUAGES) else "en"


def _checked_recipients(given: Sequence[str]) -> list[str]:
    """The addresses, each once; none: those of the account. Raises Invalid `bad_recipients`."""
    found = list(dict.fromkeys(each.strip() for each in given if each.strip()))
    if len(found) > RECIPIENTS_MAX:
        raise Invalid(
            "bad_recipients",
            f"There are {len(found)} recipients.",
            hint=f"Give up to {RECIPIENTS_MAX}.",
            field="recipients",
        )
    for address in found:
        try:
            validate_email(address)
        except ValidationError as error:
            raise Invalid("bad_recipients", f"{address[:80]!r} is no mail address.", field="recipients") from error
    return found

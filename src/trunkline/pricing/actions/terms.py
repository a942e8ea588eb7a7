"""Writes of what holds for many sheets: agreements about notice, and how each vendor's sheets look. All run inside an open scope."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from trunkline.core.errors import Conflict, Invalid
from trunkline.core.period import get_zone
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing.checks import Settings
from trunkline.pricing.models import Agreement, SheetTemplate
from trunkline.pricing.notice import NOTICE_DAYS_MAX
from trunkline.pricing.queries import notice_days, notice_of

NAME_MAX: Final = 120


def create_agreement(*, name: str, **terms: Any) -> Agreement:
    """Make an agreement. Raises Invalid `bad_name`, `bad_notice`, `unknown_timezone`; Conflict `exists`."""
    agreement = Agreement(name=_named(name), **terms)
    if Agreement.objects.filter(name=agreement.name).exists():
        raise Conflict("exists", f"There is an agreement {agreement.name!r} already.")
    _require_agreement(agreement)
    agreement.save()
    return agreement


def change_agreement(*, agreement_id: int, **terms: Any) -> Agreement:
    """Change the terms of an agreement; sheets that are compared already keep theirs. Raises as `create_agreement`, NotFound `not_found`."""
    with transaction.atomic():
        (agreement,) = lock_rows(Agreement.objects.all(), [agreement_id])
        for name, value in terms.items():
            setattr(agreement, name, value)
        _require_agreement(agreement)
        agreement.save()
    return agreement


def create_template(*, name: str, tariff_id: int, **given: Any) -> SheetTemplate:
    """The same for one that must be new. Raises Conflict `exists` besides."""
    if SheetTemplate.objects.filter(name=_named(name)).exists():
        raise Conflict("exists", f"There is a template {_named(name)!r} already.")
    return save_template(name=name, tariff_id=tariff_id, **given)


def change_template(*, template_id: int, **given: Any) -> SheetTemplate:
    """Change what is given of a template; sheets that are compared already stay as they are. Raises Invalid `unknown_check`, `bad_check`; NotFound `not_found`."""
    if given.get("checks"):
        Settings.of(given["checks"])
    with transaction.atomic():
        (template,) = lock_rows(SheetTemplate.objects.all(), [template_id])
        for name, value in given.items():
            setattr(template, name, value)
        template.save()
    return template


def save_template(*, name: str, tariff_id: int, **given: Any) -> SheetTemplate:
    """Keep how a vendor's sheets look, under a name; one of that name is changed. Raises Invalid `bad_name`, `unknown_check`, `bad_check`."""
    if given.get("checks"):
        Settings.of(given["checks"])
    template, _ = SheetTemplate.objects.update_or_create(name=_named(name), defaults={"tariff_id": tariff_id, **given})
    return template


def _named(name: str) -> str:
    found = name.strip()
    if not 0 < len(found) <= NAME_MAX or not found.isprintable():
        raise Invalid("bad_name", f"A name has 1 to {NAME_MAX} printable characters.")
    return found


def _require_agreement(agreement: Agreement) -> None:
    get_zone(agreement.timezone)
    notice_of(agreement)
    for kind, days in notice_days(agreement).items():
        if not 0 <= days <= NOTICE_DAYS_MAX:
            raise Invalid(
                "bad_notice", f"A notice has 0 to {NOTICE_DAYS_MAX} days, not {days} for {kind.name.lower()}."
            )

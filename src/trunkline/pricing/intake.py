"""A sheet on its way in: what is asked of it, and how it is read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from trunkline.core.errors import Invalid
from trunkline.pricing.actions.imports import Asked, ReadSheet
from trunkline.pricing.compare import Scope
from trunkline.pricing.models import Agreement, SheetTemplate
from trunkline.pricing.offered import Offered, Ways, offer
from trunkline.pricing.queries import access_agreement, access_template, get_agreement, get_template
from trunkline.pricing.sheets.layout import Layout, from_json
from trunkline.pricing.sheets.reading import Reading, read_sheet
from trunkline.pricing.sheets.recognise import Context
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.queries import access_tariff, get_tariff


def asked_of(
    *,
    tariff: str | None,
    template: str | None,
    agreement: str | None,
    scope: Scope | None,
    effective_at: datetime | None,
    reaches_back: bool,
) -> tuple[Asked, Layout | None]:
    """What is asked of a sheet, from names; what is left out is the template's. The layout of the template, if it has one.

    Needs an open scope. Raises NotFound `not_found`, Invalid `tariff_needed`.
    """
    return _asked(
        tariff=get_tariff(tariff) if tariff else None,
        template=get_template(template) if template else None,
        agreement=get_agreement(agreement) if agreement else None,
        scope=scope,
        effective_at=effective_at,
        reaches_back=reaches_back,
    )


def asked_for(
    *,
    tariff_id: str | None,
    template_id: int | None,
    agreement_id: int | None,
    scope: Scope | None,
    effective_at: datetime | None,
    reaches_back: bool,
) -> tuple[Asked, Layout | None]:
    """The same from ids. Raises NotFound `tariff_not_found`, `not_found`; Invalid `tariff_needed`."""
    return _asked(
        tariff=access_tariff(tariff_id) if tariff_id else None,
        template=access_template(template_id) if template_id else None,
        agreement=access_agreement(agreement_id) if agreement_id else None,
        scope=scope,
        effective_at=effective_at,
        reaches_back=reaches_back,
    )


def _asked(
    *,
    tariff: Tariff | None,
    template: SheetTemplate | None,
    agreement: Agreement | None,
    scope: Scope | None,
    effective_at: datetime | None,
    reaches_back: bool,
) -> tuple[Asked, Layout | None]:
    if tariff is not None:
        tariff_id = tariff.pk
    elif template is not None:
        tariff_id = template.tariff_id
    else:
        raise Invalid(
            "tariff_needed", "Say for which tariff the sheet is.", hint="Name a tariff, or a template that has one."
        )
    layout: dict[str, Any] | None = template.layout if template else None
    asked = Asked(
        tariff_id=tariff_id,
        scope=scope or (Scope(template.scope) if template else Scope.PARTIAL),
        template_id=template.pk if template else None,
        agreement_id=agreement.pk if agreement else (template.agreement_id if template else None),
        effective_at=effective_at,
        reaches_back=reaches_back,
    )
    return asked, from_json(layout) if layout else None


def read_as(
    data: bytes, name: str, context: Context, layout: Layout | None = None, template: Layout | None = None
) -> Reading:
    """`read_sheet`, where a layout that does not fit the file is refused: people write them. Raises Invalid `bad_layout` besides."""
    try:
        return read_sheet(data, name, context, layout, template)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if layout is None and template is None:
            raise
        raise Invalid(
            "bad_layout",
            f"The layout does not fit {name}: {error}.",
            hint="Have the file read without one, and correct what that says.",
        ) from error


def reader_of(
    data: bytes,
    name: str,
    *,
    received_at: datetime,
    effective_at: datetime | None = None,
    effective_on: date | None = None,
    subject: str = "",
    layout: Layout | None = None,
    template: Layout | None = None,
) -> ReadSheet:
    """How a file is read once it is known which tariff takes its lines: by a `layout`, or recognised, with that of an earlier sheet as a `template`.

    `effective_at` is what somebody says of it, `effective_on` what the mail says that it came by: both for lines that say nothing themselves.
    """

    def read(ways: Ways, begins: datetime) -> Offered:
        day = effective_on if effective_at is None else effective_at.astimezone(ways.zone).date()
        context = Context(name, received_at.astimezone(ways.zone).date(), subject, day)
        return offer(read_as(data, name, context, layout, template), ways, begins=begins, at_once=received_at)

    return read

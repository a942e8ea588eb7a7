"""A sheet on its way in: what is asked of it, and how it is read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from trunkline.core.errors import Invalid
from trunkline.pricing.actions.imports import Asked, ReadSheet
from trunkline.pricing.compare import Scope
from trunkline.pricing.offered import Offered, Ways, offer
from trunkline.pricing.queries import get_agreement, get_template
from trunkline.pricing.sheets.layout import Layout, from_json
from trunkline.pricing.sheets.reading import read_sheet
from trunkline.pricing.sheets.recognise import Context
from trunkline.tariffs.queries import get_tariff


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
    kept = get_template(template) if template else None
    if tariff is None and kept is None:
        raise Invalid(
            "tariff_needed", "Say for which tariff the sheet is.", hint="Name a tariff, or a template that has one."
        )
    layout: dict[str, Any] | None = kept.layout if kept else None
    asked = Asked(
        tariff_id=get_tariff(tariff).pk if tariff else kept.tariff_id,  # type: ignore[union-attr]
        scope=scope or (Scope(kept.scope) if kept else Scope.PARTIAL),
        template_id=kept.pk if kept else None,
        agreement_id=get_agreement(agreement).pk if agreement else (kept.agreement_id if kept else None),
        effective_at=effective_at,
        reaches_back=reaches_back,
    )
    return asked, from_json(layout) if layout else None


def reader_of(
    data: bytes,
    name: str,
    *,
    received_at: datetime,
    effective_at: datetime | None = None,
    subject: str = "",
    layout: Layout | None = None,
    template: Layout | None = None,
) -> ReadSheet:
    """How a file is read once it is known which tariff takes its lines: by a `layout`, or recognised, with that of an earlier sheet as a `template`."""

    def read(ways: Ways, begins: datetime) -> Offered:
        effective_on = None if effective_at is None else effective_at.astimezone(ways.zone).date()
        context = Context(name, received_at.astimezone(ways.zone).date(), subject, effective_on)
        return offer(read_sheet(data, name, context, layout, template), ways, begins=begins, at_once=received_at)

    return read

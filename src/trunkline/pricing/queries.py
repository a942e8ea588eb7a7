"""Every read of the pricing room. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet, Sum

from trunkline.core.errors import NotFound
from trunkline.core.period import get_zone, local_date
from trunkline.kit.models import find_public
from trunkline.pricing.choices import ImportState
from trunkline.pricing.compare import Kind
from trunkline.pricing.deck_queries import default_deck
from trunkline.pricing.models import Agreement, SheetImport, SheetTemplate
from trunkline.pricing.notice import Counting, Notice
from trunkline.tariffs.models import AccountTariff, Code, Tariff
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.charged import Beginnings, charged_beginnings
from trunkline.usage.models import Rollup
from trunkline.usage.segments import Limits

WEIGHED_DAYS: Final = 30
NUMBERS: Final = Limits(timeout_s=30)  # what reading numbers may take: a scope lasts a minute


def agreements() -> QuerySet[Agreement]:
    """Every agreement, by name."""
    return Agreement.objects.order_by("name")


def get_agreement(name: str) -> Agreement:
    """The agreement of that name. Raises NotFound `not_found`."""
    found = Agreement.objects.filter(name=name).first()
    if found is None:
        raise NotFound("not_found", f"There is no agreement {name!r}.")
    return found


def access_agreement(agreement_id: int) -> Agreement:
    """The agreement of that id. Raises NotFound `not_found`."""
    found = Agreement.objects.filter(pk=agreement_id).first()
    if found is None:
        raise NotFound("not_found", "agreement not found.")
    return found


def templates() -> QuerySet[SheetTemplate]:
    """Every template, by name."""
    return SheetTemplate.objects.select_related("tariff", "agreement").order_by("name")


def get_template(name: str) -> SheetTemplate:
    """The template of that name. Raises NotFound `not_found`."""
    found = templates().filter(name=name).first()
    if found is None:
        raise NotFound("not_found", f"There is no template {name!r}.")
    return found


def access_template(template_id: int) -> SheetTemplate:
    """The template of that id. Raises NotFound `not_found`."""
    found = templates().filter(pk=template_id).first()
    if found is None:
        raise NotFound("not_found", "template not found.")
    return found


def imports(tariff: Tariff | None = None) -> QuerySet[SheetImport]:
    """Sheets, the latest first; those of a tariff."""
    found = SheetImport.objects.select_related("tariff", "template", "agreement").order_by("-created_at", "-pk")
    return found if tariff is None else found.filter(tariff=tariff)


def access_import(public_id: str) -> SheetImport:
    """The sheet of that id. Raises NotFound `not_found`."""
    found = find_public(imports(), public_id)
    if found is None:
        raise NotFound("not_found", "rate sheet not found.")
    return found


def find_compared(asked: Any, sha256: str, tariff_revision: int) -> SheetImport | None:
    """The sheet of these octets that waits and was compared with the prices as they are, asked for in the same way (`actions.Asked`); None for none."""
    found = imports().filter(
        tariff_id=asked.tariff_id,
        template_id=asked.template_id,
        agreement_id=asked.agreement_id,
        scope=asked.scope,
        sha256=sha256,
        state=ImportState.COMPARED,
        compared_revision=tariff_revision,
        wanted_at=asked.effective_at,
        reaches_back=asked.reaches_back,
    )
    return found.first()


def is_applied(tariff: Tariff, sha256: str) -> bool:
    """Whether a file of these octets has been applied to a tariff, and not undone."""
    return SheetImport.objects.filter(tariff=tariff, sha256=sha256, state=ImportState.APPLIED).exists()


def notice_of(agreement: Agreement) -> Notice:
    """How the notice of an agreement is counted. Raises Invalid `bad_notice`."""
    return Notice(
        Counting(agreement.counting),
        zone=agreement.timezone,
        hour=agreement.hour,
        is_business=agreement.is_business,
        holidays=frozenset(date.fromisoformat(day) for day in agreement.holidays),
        cut_off=agreement.cut_off,
    )


def notice_days(agreement: Agreement) -> dict[Kind, int]:
    """Days of notice by kind of change; none for what is unchanged."""
    return {
        Kind.NEW: agreement.days_new,
        Kind.INCREASE: agreement.days_increase,
        Kind.DECREASE: agreement.days_decrease,
        Kind.INCREMENT: agreement.days_increment,
        Kind.CLOSED: agreement.days_closed,
        Kind.BLOCKED: agreement.days_blocked,
    }


def charged_quantities(tariff: Tariff, at: datetime) -> dict[int, int]:
    """Units that each rate of a tariff has charged in the last `WEIGHED_DAYS` days, by the id of the rate."""
    accounts = AccountTariff.objects.filter(tariff=tariff).values_list("account_id", flat=True)
    # The rates of other tariffs of these accounts come along: which are this one's is known to whoever asks.
    rows = Rollup.objects.filter(account_id__in=list(accounts), day__gte=_weighed_since(at), rate_id__isnull=False)
    return dict(rows.values_list("rate_id").annotate(units=Sum("billed_quantity")).filter(units__gt=0))


def charged_numbers(tariff: Tariff, rate_ids: Sequence[int], digits: int, at: datetime) -> Beginnings:
    """What rates of a tariff have charged in the last `WEIGHED_DAYS` days, by the first so many digits of the numbers. Raises Unavailable."""
    accounts: dict[str, list[int]] = {}
    for side, account_id in AccountTariff.objects.filter(tariff=tariff).values_list("side", "account_id").distinct():
        accounts.setdefault(side, []).append(account_id)
    return charged_beginnings(
        rate_ids=rate_ids, accounts=accounts, day_from=_weighed_since(at), digits=digits, limits=NUMBERS
    )


def _weighed_since(at: datetime) -> date:
    return local_date(at, get_zone(current_tenant().timezone)) - timedelta(days=WEIGHED_DAYS)


def deck_codes() -> dict[str, list[str]]:
    """The codes of each destination in the tenant's default deck, for sheets that name destinations alone; in all decks where none is the default."""
    deck = default_deck()
    rows = Code.objects.all() if deck is None else Code.objects.filter(deck=deck)
    found: dict[str, list[str]] = {}
    for name, code in rows.order_by("code").values_list("destination__name", "code").distinct():
        found.setdefault(name, []).append(code)
    return found

"""Writes of swap deals. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from trunkline.core.currency import get_currency
from trunkline.core.errors import Conflict, Invalid
from trunkline.kit.db.locks import lock_rows
from trunkline.parties.models import Account
from trunkline.pricing.deals.queries import as_item, items_of
from trunkline.pricing.deals.terms import Direction, Item, Length, period_of, require_apart
from trunkline.pricing.models import Deal, DealItem
from trunkline.tariffs.models import Destination

NAME_MAX: Final = 120
LENGTH_MAX: Final = 3660
REPEATS_MAX: Final = 120
MINUTES_MAX: Final = 10**12
NAMES_MAX: Final = 2000
CODE_DIGITS_MAX: Final = 18
RECIPIENTS_MAX: Final = 20
ITEMS_MAX: Final = 200
NOTE_MAX: Final = 2000
PERCENT_MAX: Final = 100


def create_deal(
    *, name: str, account: Account, currency: str, at: datetime, items: Sequence[Item] = (), **terms: Any
) -> Deal:
    """Make a deal with its items; `terms` are `starts_on`, `length`, `unit`, `repeats`, `alert_below`, `recipients`, `note`.

    Raises Invalid `bad_name`, `unknown_currency`, `bad_period`, `bad_threshold`, `bad_recipients`, `bad_item`, `unknown_destination`, `items_overlap`,
    `too_many_items`; Conflict `exists`.
    """
    deal = Deal(name=name.strip(), account=account, currency=get_currency(currency).code, created_at=at, **terms)
    if Deal.objects.filter(name=deal.name).exists():
        raise Conflict("exists", f"There is a deal {deal.name!r} already.")
    _require_deal(deal)
    with transaction.atomic():
        deal.save()
        put_items(deal_id=deal.pk, items=items)
    return deal


def change_deal(*, deal_id: int, **terms: Any) -> Deal:
    """Change the terms of a deal; its partner stays. Raises as `create_deal`, NotFound `not_found`."""
    with transaction.atomic():
        (deal,) = lock_rows(Deal.objects.select_related("account"), [deal_id])
        for name, value in terms.items():
            setattr(deal, name, value)
        deal.name, deal.currency = deal.name.strip(), get_currency(deal.currency).code
        if Deal.objects.filter(name=deal.name).exclude(pk=deal.pk).exists():
            raise Conflict("exists", f"There is a deal {deal.name!r} already.")
        _require_deal(deal)
        deal.save()
    return deal


def archive_deal(*, deal_id: int, at: datetime) -> Deal:
    """Look at a deal no more: it raises no alarms and stands among the archived ones. Twice is harmless."""
    with transaction.atomic():
        (deal,) = lock_rows(Deal.objects.select_related("account"), [deal_id])
        if deal.archived_at is None:
            deal.archived_at = at
            deal.save(update_fields=["archived_at"])
    return deal


def restore_deal(*, deal_id: int) -> Deal:
    """Look at an archived deal again. Twice is harmless."""
    with transaction.atomic():
        (deal,) = lock_rows(Deal.objects.select_related("account"), [deal_id])
        if deal.archived_at is not None:
            deal.archived_at = None
            deal.save(update_fields=["archived_at"])
    return deal


def add_item(*, deal_id: int, item: Item) -> DealItem:
    """Add a promise to a deal. Raises Invalid `bad_item`, `unknown_destination`, `items_overlap`, `too_many_items`; NotFound `not_found`."""
    with transaction.atomic():
        (deal,) = lock_rows(Deal.objects.all(), [deal_id])
        _require_items([*map(as_item, items_of([deal])), item])
        return _made(deal, item)


def change_item(*, item_id: int, item: Item) -> DealItem:
    """Change a promise: progress of periods that are over changes with it. Raises as `add_item`."""
    with transaction.atomic():
        (row,) = lock_rows(DealItem.objects.all(), [item_id])
        (deal,) = lock_rows(Deal.objects.all(), [row.deal_id])
        _require_items([*(as_item(each) for each in items_of([deal]) if each.pk != item_id), item])
        for name, value in _fields(item).items():
            setattr(row, name, value)
        row.save()
    return row


def remove_item(*, item_id: int) -> Deal:
    """Take a promise out of its deal. Raises NotFound `not_found`."""
    with transaction.atomic():
        (row,) = lock_rows(DealItem.objects.all(), [item_id])
        (deal,) = lock_rows(Deal.objects.all(), [row.deal_id])
        row.delete()
    return deal


def put_items(*, deal_id: int, items: Sequence[Item]) -> list[DealItem]:
    """Afterwards a deal has these promises and no others; one that it has already stays as it is. Raises as `add_item`."""
    _require_items(items)
    with transaction.atomic():
        (deal,) = lock_rows(Deal.objects.all(), [deal_id])
        kept: list[DealItem] = []
        left = list(items)
        for row in items_of([deal]):
            if as_item(row) in left:
                left.remove(as_item(row))
                kept.append(row)
            else:
                row.delete()
        return [*kept, *(_made(deal, each) for each in left)]


def _made(deal: Deal, item: Item) -> DealItem:
    return DealItem.objects.create(deal=deal, **_fields(item))


def _fields(item: Item) -> dict[str, Any]:
    return {
        "direction": item.direction.value,
        "minutes": item.minutes,
        "price": item.price,
        "beyond": item.beyond,
        "destinations": sorted(item.destinations),
        "codes": sorted(item.codes),
    }


def _require_deal(deal: Deal) -> None:
    if not 0 < len(deal.name) <= NAME_MAX or not deal.name.isprintable():
        raise Invalid("bad_name", f"A name has 1 to {NAME_MAX} printable characters.", field="name")
    if deal.unit not in list(Length) or not 1 <= deal.length <= LENGTH_MAX or not 1 <= deal.repeats <= REPEATS_MAX:
        raise Invalid(
            "bad_period",
            f"A period has 1 to {LENGTH_MAX} days or months, and there are 1 to {REPEATS_MAX} periods.",
            field="length",
        )
    period_of(deal.starts_on, deal.length, Length(deal.unit), deal.repeats)
    if not 0 <= deal.alert_below <= PERCENT_MAX:
        raise Invalid("bad_threshold", "The threshold of the alarm is 0 to 100 percent.", field="alert_below")
    if len(deal.note) > NOTE_MAX or "\x00" in deal.note:
        raise Invalid("bad_note", f"A note has at most {NOTE_MAX} characters.", field="note")
    deal.recipients = _addresses(deal.recipients)


def _addresses(given: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(each.strip() for each in given if each.strip()))
    if len(found) > RECIPIENTS_MAX:
        raise Invalid("bad_recipients", f"At most {RECIPIENTS_MAX} addresses are told.", field="recipients")
    for address in found:
        try:
            validate_email(address)
        except ValidationError as error:
            raise Invalid(
                "bad_recipients",
                f"{address[:80]!r} is no mail address.",
                hint="Write addresses such as ada@example.com.",
                field="recipients",
            ) from error
    return found


def _require_items(items: Sequence[Item]) -> None:
    if len(items) > ITEMS_MAX:
        raise Invalid("too_many_items", f"A deal has at most {ITEMS_MAX} items.")
    for item in items:
        _require_item(item)
    require_apart(items)
    names = {name for item in items for name in item.destinations}
    missing = names - set(Destination.objects.filter(name__in=names).values_list("name", flat=True))
    if missing:
        raise Invalid(
            "unknown_destination",
            f"There is no destination {min(missing)!r}.",
            hint="Destinations are those of the tariffs.",
            field="destinations",
        )


def _require_item(item: Item) -> None:
    if not 1 <= item.minutes <= MINUTES_MAX:
        raise Invalid("bad_item", f"An item is for 1 to {MINUTES_MAX} minutes.", field="minutes")
    if len(item.codes) + len(item.destinations) > NAMES_MAX:
        raise Invalid("bad_item", f"An item names at most {NAMES_MAX} codes and destinations.", field="codes")
    wrong = next(
        (c for c in sorted(item.codes) if not (c.isascii() and c.isdigit() and len(c) <= CODE_DIGITS_MAX)), None
    )
    if wrong is not None:
        raise Invalid(
            "bad_item", f"{wrong[:40]!r} is no code.", hint=f"Write up to {CODE_DIGITS_MAX} digits.", field="codes"
        )
    for name, price in (("price", item.price), ("beyond", item.beyond)):
        if price is not None and price.units < 0:
            raise Invalid("bad_item", "A price of a deal is not below zero.", field=name)


def make_item(
    *,
    direction: str,
    minutes: int,
    price: Any,
    beyond: Any = None,
    destinations: Iterable[str] = (),
    codes: Iterable[str] = (),
) -> Item:
    """A promise from what a door was given; texts are stripped, empty ones left out. Raises Invalid `bad_item`."""
    if direction not in list(Direction):
        raise Invalid(
            "bad_item", f"{direction[:40]!r} is no direction.", hint="Write inbound or outbound.", field="direction"
        )
    return Item(
        Direction(direction),
        minutes,
        price,
        beyond,
        frozenset(filter(None, (each.strip() for each in destinations))),
        frozenset(filter(None, (each.strip().removeprefix("+") for each in codes))),
    )

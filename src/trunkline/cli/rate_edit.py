"""`trunkline tariff edit`: many rates of a tariff changed at once, after a look at what that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, actor, now, print_json, say, table, tenant_scope
from trunkline.cli.shown import given_instant, print_rows
from trunkline.core.errors import Invalid

if TYPE_CHECKING:
    from trunkline.pricing.rate_edits import Chosen, RateEdit

Text = str | None
OPEN = "open"


def edit(
    name: Annotated[str, typer.Argument(help="Name of the tariff.")],
    tenant: TenantOption,
    code: Annotated[str, typer.Option(help="Only rates whose code begins so.")] = "",
    destination: Annotated[str, typer.Option(help="Only destinations with these words in their name.")] = "",
    state: Annotated[str, typer.Option(help="Only rates that are current, future, past or all.")] = "current",
    set_price: Annotated[Text, typer.Option("--set", help="Set the price to this.")] = None,
    percent: Annotated[Text, typer.Option(help="Raise the price by so many percent; below zero lowers it.")] = None,
    add: Annotated[Text, typer.Option(help="Raise the price by this amount; below zero lowers it.")] = None,
    decimals: Annotated[int, typer.Option(help="Decimals that the price is rounded to.")] = 10,
    rounding: Annotated[str, typer.Option(help="How: half_up, half_even, up or down.")] = "half_up",
    increments: Annotated[Text, typer.Option(help="Increments from then on, such as 60/60.")] = None,
    block: Annotated[bool | None, typer.Option("--block/--unblock", help="Refuse such calls, or no longer.")] = None,
    begins: Annotated[Text, typer.Option(help="From when on, a date or an instant; now if left out.")] = None,
    ends: Annotated[Text, typer.Option(help="Until when they hold, a date or an instant, or open.")] = None,
    agreement: Annotated[Text, typer.Option(help="Say which changes this agreement does not allow yet.")] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write it. Without it one only sees what it would do.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; it stands in the history of the tariff.")] = "",
    json: JsonOption = False,
) -> None:
    """Change many rates at once: prices, increments, dates. Never an overwrite: each becomes a new rate from then on.

    Applied, it is a rate sheet that nobody sent: `trunkline sheet undo` takes it back.
    """
    from trunkline.pricing import actions
    from trunkline.pricing.edit_queries import proposals_of
    from trunkline.pricing.queries import get_agreement
    from trunkline.tariffs.queries import get_tariff

    with tenant_scope(tenant) as tenant_id:
        tariff = get_tariff(name)
        agreement_id = get_agreement(agreement).pk if agreement else None
    at = now()
    chosen = _chosen(at, state, code, destination)
    said = _edit(tariff.timezone, set_price, percent, add, decimals, rounding, increments, block, begins, ends)
    asked: Any = {
        "tariff_id": tariff.pk, "chosen": chosen, "edit": said, "agreement_id": agreement_id, "actor": actor(), "at": at,
    }  # fmt: skip
    if apply:
        kept = actions.keep_edit(tenant_id, **asked, reason=reason)
        done = actions.apply_edit(tenant_id, kept.pk, actor=actor(), now=lambda: at)
        with tenant_scope(tenant):
            proposals = proposals_of([done])[done.pk]
        facts = {
            **kept.counts, "breaches": kept.breaches, "applied": True, "revision": done.sheet and done.sheet.left_revision,
            "sheet": str(done.public_id), "rerating_is_proposed": bool(proposals),
        }  # fmt: skip
        samples = kept.samples
    else:
        look = actions.look_at_edit(tenant_id, **asked)
        facts = {**look.counts, "breaches": look.dated_breaches, "applied": False}
        samples = look.dated_samples
    samples = [each | {name: each[name] or "" for name in ("begins", "ends")} for each in samples]
    if json:
        print_json(facts | {"samples": samples})
        return
    _show(facts, samples)


def _show(facts: dict[str, Any], samples: list[dict[str, Any]]) -> None:
    rows = [[name.replace("_", " "), value] for name, value in facts.items() if not isinstance(value, dict)]
    rows += [[kind, count] for kind, count in facts["kinds"].items()]
    rows += [
        [f"{kind} before {each['first_allowed']}, which the agreement does not allow", each["count"]]
        for kind, each in facts["breaches"].items()
    ]
    table("Rates", ["", ""], rows)
    columns = {name: name.capitalize() for name in ("code", "destination", "before", "after", "begins", "ends")}
    print_rows("Some of them", columns, samples)
    if not facts["applied"]:
        say("nothing is written yet: give it again with --apply")


def _chosen(at: Any, state: str, code: str, destination: str) -> Chosen:
    from trunkline.pricing.rate_edits import Chosen, Standing

    if state not in set(Standing):
        raise Invalid("unknown_state", f"There is no state {state[:40]!r}.", hint=f"Use {', '.join(Standing)}.")
    return Chosen(at=at, standing=Standing(state), code=code, name=destination)


def _edit(
    zone: str,
    set_price: Text,
    percent: Text,
    add: Text,
    decimals: int,
    rounding: str,
    increments: Text,
    block: bool | None,
    begins: Text,
    ends: Text,
) -> RateEdit:
    from trunkline.core.money import RoundingMode
    from trunkline.pricing.rate_edits import PriceEdit, PriceHow, RateEdit

    given = [
        (how, text)
        for how, text in ((PriceHow.SET, set_price), (PriceHow.PERCENT, percent), (PriceHow.ADD, add))
        if text is not None
    ]
    if len(given) > 1:
        raise Invalid("several_prices", "A price is set, or raised by a percentage, or by an amount.", hint="Give one.")
    price = PriceEdit(given[0][0], given[0][1], decimals, RoundingMode.from_name(rounding)) if given else None
    return RateEdit(
        price=price,
        increments=increments,
        blocked=block,
        begins_at=given_instant(begins, zone),
        ends_at=None if ends == OPEN else given_instant(ends, zone),
        sets_end=ends is not None,
    )

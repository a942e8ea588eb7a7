"""`trunkline agreement`: how long before it holds a change of prices must be told."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, print_json, say, tenant_scope
from trunkline.cli.shown import print_rows
from trunkline.core.errors import Invalid

app = typer.Typer(help="Agreements: how long before it holds a change of prices must be told.", no_args_is_help=True)

Text = str | None


@app.command("set")
def set_agreement(
    name: Annotated[str, typer.Argument(help="What the agreement is called, as the vendor.")],
    tenant: TenantOption,
    new: Annotated[int | None, typer.Option(help="Days of notice for new codes.")] = None,
    increase: Annotated[int | None, typer.Option(help="Days of notice for prices that go up.")] = None,
    decrease: Annotated[int | None, typer.Option(help="Days of notice for prices that go down.")] = None,
    increment: Annotated[int | None, typer.Option(help="Days of notice for other increments and moved codes.")] = None,
    closed: Annotated[int | None, typer.Option(help="Days of notice for codes that are closed.")] = None,
    blocked: Annotated[int | None, typer.Option(help="Days of notice for codes that are blocked.")] = None,
    counting: Annotated[
        Text, typer.Option(help="From when on days are counted: midnight, notification, hour or hours.")
    ] = None,
    hour: Annotated[int | None, typer.Option(help="The hour that `--counting hour` counts from, 0 to 23.")] = None,
    timezone: Annotated[Text, typer.Option(help="IANA zone of its days and hours.")] = None,
    business: Annotated[bool | None, typer.Option(help="Count business days only.")] = None,
    holiday: Annotated[list[str] | None, typer.Option(help="A day that is no business day; several times.")] = None,
    cut_off: Annotated[Text, typer.Option(help="From this time of day on a sheet counts as of the next day.")] = None,
    on_breach: Annotated[
        Text, typer.Option(help="What becomes of a line that begins too soon: push, flag or refuse.")
    ] = None,
) -> None:
    """Make an agreement, or change the terms that are given of one that is there."""
    from trunkline.pricing.actions import change_agreement, create_agreement
    from trunkline.pricing.models import Agreement

    days = {
        "new": new,
        "increase": increase,
        "decrease": decrease,
        "increment": increment,
        "closed": closed,
        "blocked": blocked,
    }
    terms: dict[str, Any] = {f"days_{kind}": count for kind, count in days.items()}
    terms |= {"counting": counting, "hour": hour, "timezone": timezone, "is_business": business, "on_breach": on_breach}
    terms["holidays"] = None if holiday is None else [_day(text).isoformat() for text in holiday]
    terms["cut_off"] = None if cut_off is None else _clock(cut_off)
    given = {term: value for term, value in terms.items() if value is not None}
    with tenant_scope(tenant):
        known = Agreement.objects.filter(name=name).first()
        if known is None:
            create_agreement(name=name, **given)
        else:
            change_agreement(agreement_id=known.pk, **given)
    say(f"agreement {name} {'made' if known is None else 'changed'}")


@app.command("list")
def list_agreements(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the agreements of a tenant with their days of notice."""
    from trunkline.pricing.queries import agreements, notice_days

    with tenant_scope(tenant):
        rows = [
            {
                "name": each.name, "counting": each.counting, "timezone": each.timezone, "business": each.is_business,
                "cut_off": each.cut_off.isoformat("minutes") if each.cut_off else None, "on_breach": each.on_breach,
                **{kind.name.lower(): days for kind, days in notice_days(each).items()},
            }
            for each in agreements()
        ]  # fmt: skip
    if json:
        print_json({"agreements": rows})
        return
    names = [
        "name",
        "counting",
        "timezone",
        "business",
        "cut_off",
        "on_breach",
        "new",
        "increase",
        "decrease",
        "increment",
        "closed",
        "blocked",
    ]
    print_rows("Agreements", {name: name.replace("_", " ").capitalize() for name in names}, rows, right=names[6:])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("bad_date", f"{text[:40]!r} is no day.", hint="Write it like 2026-12-25.") from error


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise Invalid("bad_time", f"{text[:40]!r} is no time of day.", hint="Write it like 17:00.") from error

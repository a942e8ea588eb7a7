"""`trunkline account`: customers and vendors, and how traffic is told to be theirs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, now, print_json, table, tenant_scope
from trunkline.cli.shown import given_instant, print_rows, required_instant
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount
from trunkline.core.period import local_text, utc_text

if TYPE_CHECKING:
    from trunkline.parties.models import Account, Identity

app = typer.Typer(
    help="Customers and vendors: accounts, contacts, and the identities by which traffic is theirs.",
    no_args_is_help=True,
)

CodeArgument = Annotated[str, typer.Argument(help="Short name of the account.")]
Text = str | None
LanguageOption = Annotated[
    Text, typer.Option(help="Language of its documents, such as en or fr; empty: that of the invoice profile.")
]


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="Short name for commands; lower case, never changes.")],
    name: Annotated[str, typer.Argument(help="Name on screens and documents.")],
    tenant: TenantOption,
    currency: Annotated[Text, typer.Option(help="ISO 4217 code of its balance; the tenant's if left out.")] = None,
    timezone: Annotated[Text, typer.Option(help="IANA zone of its days; the tenant's if left out.")] = None,
    customer: Annotated[bool, typer.Option(help="Whether it buys from us.")] = True,
    vendor: Annotated[bool, typer.Option(help="Whether it sells to us.")] = False,
    parent: Annotated[Text, typer.Option(help="Short name of the account above it.")] = None,
    credit_limit: Annotated[str, typer.Option(help="How far its balance may go against us.")] = "0",
    capacity: Annotated[int | None, typer.Option(help="Simultaneous calls.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be given more than once.")] = None,
    profile: Annotated[Text, typer.Option(help="Billing profile to share, instead of the options below.")] = None,
    address: Annotated[str, typer.Option(help="Address on invoices, lines parted by |.")] = "",
    tax_number: Annotated[str, typer.Option(help="VAT or other tax number.")] = "",
    tax_name: Annotated[str, typer.Option(help="Name of the tax on its invoices, such as VAT.")] = "",
    tax_percent: Annotated[str, typer.Option(help="Percent of tax.")] = "0",
    period: Annotated[str, typer.Option(help="Billing period: day, week, half_month or month.")] = "month",
    payment_days: Annotated[int, typer.Option(help="Days from invoice to due date.")] = 30,
    language: LanguageOption = "",
) -> None:
    """Make an account."""
    from trunkline.parties import actions
    from trunkline.parties.queries import find_billing_profile, get_account
    from trunkline.tenancy.queries import current_tenant

    with tenant_scope(tenant):
        at, own = now(), current_tenant()
        shared = find_billing_profile(profile) if profile else None
        if profile and shared is None:
            raise Invalid("unknown_billing_profile", f"There is no billing profile {profile!r}.")
        made = actions.create_account(
            code=code,
            name=name,
            currency=currency or own.currency,
            timezone=timezone or own.timezone,
            is_customer=customer,
            is_vendor=vendor,
            parent=get_account(parent) if parent else None,
            billing_profile=shared,
            credit_limit=Amount.from_text(credit_limit),
            capacity=capacity,
            tags=tag or (),
            at=at,
        )
        if shared is None:
            actions.change_billing_profile(
                profile_id=made.billing_profile_id,
                address=address.replace("|", "\n"),
                tax_number=tax_number,
                tax_name=tax_name,
                tax_percent=_percent(tax_percent),
                period=period,
                payment_terms_days=payment_days,
                language=_language(language),
                at=at,
            )
    typer.echo(f"account {code} made")


@app.command("list")
def list_accounts(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the accounts of a tenant."""
    from trunkline.parties.queries import accounts

    with tenant_scope(tenant):
        rows = [_facts(account) for account in accounts()]
    if json:
        print_json({"accounts": rows})
        return
    columns = {"code": "Code", "name": "Name", "role": "Role", "currency": "Currency", "timezone": "Zone"}
    print_rows("Accounts", columns | {"status": "Status", "parent": "Parent"}, rows)


@app.command()
def show(code: CodeArgument, tenant: TenantOption, json: JsonOption = False) -> None:
    """Show an account with its billing profile, identities, tariffs and contacts."""
    from trunkline.parties.queries import contacts, get_account, identities
    from trunkline.tariffs.queries import assignments

    with tenant_scope(tenant):
        account = get_account(code)
        billing = account.billing_profile
        facts = _facts(account) | {
            "billing_profile": billing.code,
            "address": billing.address_lines,
            "tax": f"{billing.tax_name} {billing.tax_percent.normalize():f} %".strip(),
            "billing_period": billing.period,
            "payment_terms_days": billing.payment_terms_days,
            "language": billing.language,
            "credit_limit": str(account.credit_limit),
            "capacity": account.capacity,
            "tags": account.tags,
        }
        marks = [_identity_facts(identity) for identity in identities(account)]
        lists = [
            {
                "id": row.pk,
                "side": row.side,
                "service": row.service,
                "position": row.position,
                "tariff": row.tariff.name,
            }
            | _validity(row.valid_from, row.valid_to, account.timezone)
            for row in assignments(account)
        ]
        people = [
            {"name": each.name, "role": each.role, "email": each.email, "phone": each.phone}
            for each in contacts(account)
        ]
    if json:
        print_json(facts | {"identities": marks, "tariffs": lists, "contacts": people})
        return
    table("", ["Account", code], [[name.replace("_", " "), _plain(value)] for name, value in facts.items()])
    _print_identities(marks)
    columns = {"id": "Id", "side": "Side", "service": "Service", "position": "Position", "tariff": "Tariff"}
    print_rows("Tariffs", columns | {"local_from": "From", "local_to": "To"}, lists, right=["id", "position"])
    if people:
        table("Contacts", ["Name", "Role", "E-mail", "Phone"], [list(row.values()) for row in people])


@app.command("set")
def set_fields(
    code: CodeArgument,
    tenant: TenantOption,
    name: Annotated[Text, typer.Option(help="Name on screens and documents.")] = None,
    timezone: Annotated[Text, typer.Option(help="IANA zone of its days.")] = None,
    customer: Annotated[bool | None, typer.Option(help="Whether it buys from us.")] = None,
    vendor: Annotated[bool | None, typer.Option(help="Whether it sells to us.")] = None,
    parent: Annotated[Text, typer.Option(help="Short name of the account above it.")] = None,
    credit_limit: Annotated[Text, typer.Option(help="How far its balance may go against us.")] = None,
    capacity: Annotated[int | None, typer.Option(help="Simultaneous calls.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="The tags instead of the present ones.")] = None,
    address: Annotated[Text, typer.Option(help="Address on invoices, lines parted by |.")] = None,
    tax_number: Annotated[Text, typer.Option(help="VAT or other tax number.")] = None,
    tax_name: Annotated[Text, typer.Option(help="Name of the tax on its invoices.")] = None,
    tax_percent: Annotated[Text, typer.Option(help="Percent of tax.")] = None,
    period: Annotated[Text, typer.Option(help="Billing period: day, week, half_month or month.")] = None,
    payment_days: Annotated[int | None, typer.Option(help="Days from invoice to due date.")] = None,
    language: LanguageOption = None,
) -> None:
    """Change an account, or its billing profile for all who share it; what is left out stays."""
    from trunkline.parties import actions
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant):
        account = get_account(code)
        own: dict[str, Any] = {
            "name": name,
            "timezone": timezone,
            "is_customer": customer,
            "is_vendor": vendor,
            "parent": get_account(parent) if parent else None,
            "credit_limit": Amount.from_text(credit_limit) if credit_limit is not None else None,
            "capacity": capacity,
            "tags": tag or None,
        }
        billing: dict[str, Any] = {
            "address": address.replace("|", "\n") if address is not None else None,
            "tax_number": tax_number,
            "tax_name": tax_name,
            "tax_percent": _percent(tax_percent) if tax_percent is not None else None,
            "period": period,
            "payment_terms_days": payment_days,
            "language": _language(language) if language is not None else None,
        }
        own, billing = _given(own), _given(billing)
        if own:
            actions.change_account(account_id=account.pk, at=now(), **own)
        if billing:
            actions.change_billing_profile(profile_id=account.billing_profile_id, at=now(), **billing)
    typer.echo(f"account {code} changed")


@app.command()
def suspend(code: CodeArgument, tenant: TenantOption) -> None:
    """Mark an account as not to be served; what comes all the same is still rated."""
    from trunkline.parties.actions import suspend_account
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant):
        suspend_account(account_id=get_account(code).pk, at=now())
    typer.echo(f"account {code} suspended")


@app.command()
def resume(code: CodeArgument, tenant: TenantOption) -> None:
    """Serve a suspended account again."""
    from trunkline.parties.actions import resume_account
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant):
        resume_account(account_id=get_account(code).pk, at=now())
    typer.echo(f"account {code} resumed")


@app.command()
def close(
    code: CodeArgument,
    tenant: TenantOption,
    on: Annotated[str, typer.Option(help="First local day on which it is no longer served, as 2026-04-01.")],
) -> None:
    """Close an account: from that day on no traffic is told to be its."""
    from trunkline.parties.actions import close_account
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant):
        close_account(account_id=get_account(code).pk, closed_on=_day(on), at=now())
    typer.echo(f"account {code} closed on {on}")


@app.command("contact-add")
def contact_add(
    code: CodeArgument,
    name: Annotated[str, typer.Argument(help="Name of the person or office.")],
    tenant: TenantOption,
    role: Annotated[str, typer.Option(help="billing, technical, rates, disputes or general.")] = "general",
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    phone: Annotated[str, typer.Option(help="Telephone number.")] = "",
) -> None:
    """Add a contact to an account."""
    from trunkline.parties.actions import add_contact
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant):
        add_contact(account=get_account(code), name=name, role=role, email=email, phone=phone, at=now())
    typer.echo(f"contact {name} added to {code}")


@app.command("identity-add")
def identity_add(
    code: CodeArgument,
    value: Annotated[str, typer.Argument(help="Trunk name, address or network, account code, number or SIP user.")],
    tenant: TenantOption,
    kind: Annotated[str, typer.Option(help="trunk, ip, account_code, calling or sip_user.")] = "trunk",
    side: Annotated[str, typer.Option(help="sell (its traffic), buy (traffic to it) or both.")] = "both",
    switch: Annotated[Text, typer.Option(help="Only for records of this switch.")] = None,
    tech_prefix: Annotated[str, typer.Option(help="What its called numbers begin with.")] = "",
    priority: Annotated[int, typer.Option(help="The lower number wins where nothing else decides.")] = 100,
    valid_from: Annotated[Text, typer.Option("--from", help="From when on: a date or an instant.")] = None,
    valid_to: Annotated[
        Text, typer.Option("--to", help="Until when: a date or an instant; itself not included.")
    ] = None,
) -> None:
    """Tell traffic to be an account's by one more mark (docs/algorithms/identification.md)."""
    from trunkline.parties.actions import add_identity
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant):
        account = get_account(code)
        identity = add_identity(
            account=account,
            kind=kind,
            value=value,
            side=side,
            switch=switch,
            tech_prefix=tech_prefix,
            priority=priority,
            valid_from=given_instant(valid_from, account.timezone),
            valid_to=given_instant(valid_to, account.timezone),
            at=now(),
        )
        typer.echo(f"identity {identity.pk}: {identity} is {code}")


@app.command("identity-list")
def identity_list(
    tenant: TenantOption,
    code: Annotated[Text, typer.Argument(help="Short name of the account; all if left out.")] = None,
    json: JsonOption = False,
) -> None:
    """List identities."""
    from trunkline.parties.queries import get_account, identities

    with tenant_scope(tenant):
        rows = [_identity_facts(identity) for identity in identities(get_account(code) if code else None)]
    if json:
        print_json({"identities": rows})
    else:
        _print_identities(rows)


@app.command("identity-end")
def identity_end(
    identity: Annotated[int, typer.Argument(help="Id of the identity.")],
    tenant: TenantOption,
    to: Annotated[
        str, typer.Option(help="Until when: a date in the account's zone, or an instant; itself not included.")
    ],
) -> None:
    """Let an identity end."""
    from trunkline.parties.actions import end_identity
    from trunkline.parties.queries import get_identity

    with tenant_scope(tenant):
        found = get_identity(identity)
        end = required_instant(to, found.account.timezone)
        end_identity(identity_id=found.pk, valid_to=end, at=now())
    typer.echo(f"identity {identity} ends at {utc_text(end)}")


@app.command("identity-move")
def identity_move(
    identity: Annotated[int, typer.Argument(help="Id of the identity.")],
    code: Annotated[str, typer.Argument(help="Short name of the account that it goes to.")],
    tenant: TenantOption,
    moved_at: Annotated[str, typer.Option("--at", help="When: a date in the new account's zone, or an instant.")],
) -> None:
    """Give an identity to another account from an instant on."""
    from trunkline.parties.actions import move_identity
    from trunkline.parties.queries import get_account

    with tenant_scope(tenant):
        account = get_account(code)
        instant = required_instant(moved_at, account.timezone)
        new = move_identity(identity_id=identity, account=account, moved_at=instant, at=now())
        typer.echo(f"identity {new.pk}: {new} is {code} from {utc_text(instant)}")


@app.command()
def whose(
    tenant: TenantOption,
    side: Annotated[str, typer.Option(help="sell or buy.")] = "sell",
    trunk: Annotated[str, typer.Option(help="Trunk name of the record.")] = "",
    ip: Annotated[str, typer.Option(help="Address of the other side.")] = "",
    account_code: Annotated[str, typer.Option(help="Account code of the record.")] = "",
    calling: Annotated[str, typer.Option(help="Calling number, E.164 digits.")] = "",
    sip_user: Annotated[str, typer.Option(help="SIP user of the record.")] = "",
    called: Annotated[str, typer.Option(help="Called number as it comes, with tech prefix.")] = "",
    switch: Annotated[Text, typer.Option(help="Name of the switch.")] = None,
    at: Annotated[Text, typer.Option(help="Start of the record, an instant; now if left out.")] = None,
) -> None:
    """Say whose a record would be."""
    import numpy as np
    import pyarrow as pa

    from trunkline.parties.kinds import Side
    from trunkline.parties.models import Account
    from trunkline.parties.queries import resolver
    from trunkline.parties.rules import Status

    if side not in set(Side):
        raise Invalid("unknown_side", f"{side!r} is no side.", hint="Use sell or buy.")
    given = {"trunk": trunk, "source_ip": ip, "account_code": account_code, "calling": calling, "sip_user": sip_user}
    columns = {name: pa.array([value or None], pa.string()) for name, value in (given | {"called": called}).items()}
    with tenant_scope(tenant):
        start = given_instant(at, "UTC") or now()
        found = resolver(switch).resolve(columns, np.array([round(start.timestamp() * 1000)], np.int64), Side(side))
        status, strip = Status(int(found.status[0])), int(found.strip_len[0])
        if status is not Status.OK:
            typer.echo(status.name.lower())
            raise typer.Exit(1)
        account = Account.objects.get(pk=int(found.account_id[0]))
        typer.echo(f"{account.code}" + (f", called {called[strip:]}" if strip else ""))


def _facts(account: Account) -> dict[str, Any]:
    roles = [word for word, has in (("customer", account.is_customer), ("vendor", account.is_vendor)) if has]
    return {
        "code": account.code,
        "name": account.name,
        "role": " and ".join(roles),
        "currency": account.currency,
        "timezone": account.timezone,
        "status": account.status if account.closed_on is None else f"closed on {account.closed_on}",
        "parent": account.parent.code if account.parent else None,
        "public_id": str(account.public_id),
    }


def _identity_facts(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.pk,
        "account": identity.account.code,
        "kind": identity.kind,
        "value": identity.value,
        "side": identity.side,
        "switch": identity.switch,
        "tech_prefix": identity.tech_prefix,
        "priority": identity.priority,
    } | _validity(identity.valid_from, identity.valid_to, identity.account.timezone)


def _print_identities(rows: list[dict[str, Any]]) -> None:
    columns = {
        "id": "Id",
        "account": "Account",
        "kind": "Kind",
        "value": "Value",
        "side": "Side",
        "switch": "Switch",
        "tech_prefix": "Tech prefix",
        "priority": "Priority",
        "local_from": "From",
        "local_to": "To",
    }
    print_rows("Identities", columns, rows, right=["id", "priority"])


def _validity(begin: datetime | None, end: datetime | None, timezone: str) -> dict[str, str | None]:
    return {
        "valid_from": utc_text(begin),
        "valid_to": utc_text(end),
        "local_from": local_text(begin, timezone),
        "local_to": local_text(end, timezone),
    }


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _language(code: str | None) -> str:
    from trunkline.invoicing.document.catalogue import require_language

    return require_language(code) if code else ""


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text)
    except InvalidOperation as error:
        raise Invalid("bad_decimal", f"{text!r} is no percentage.") from error
    if not percent.is_finite():
        raise Invalid("bad_decimal", f"{text!r} is no percentage.")
    return percent


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("bad_time", f"{text!r} is no date.", hint="Write 2026-04-01.") from error

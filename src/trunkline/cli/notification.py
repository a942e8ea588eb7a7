"""`trunkline notification`: customers are told of changes of their prices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import JsonOption, TenantOption, actor, now, print_json, say, table, tenant_scope
from trunkline.cli.shown import print_rows
from trunkline.core.errors import Invalid
from trunkline.core.period import local_text, utc_text

if TYPE_CHECKING:
    from trunkline.pricing.models import Notification

app = typer.Typer(help="Rate notifications: customers are told of changes of their prices.", no_args_is_help=True)

Text = str | None
IdArgument = Annotated[str, typer.Argument(help="Id of the notification, as `notification list` shows it.")]
AccountArgument = Annotated[str, typer.Argument(help="Code of the customer.")]
TariffArgument = Annotated[str, typer.Argument(help="Name of a tariff by which it buys.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it stands in the history.")]
SHOWN_LINES = 20


@app.command("template")
def set_template(
    name: Annotated[str, typer.Argument(help="What the template is called.")],
    tenant: TenantOption,
    column: Annotated[
        list[str] | None,
        typer.Option(help='A column, as rate or "rate=Price per minute"; several times, in their order.'),
    ] = None,
    kind: Annotated[Text, typer.Option(help="Kind of file: xlsx or csv.")] = None,
    date_form: Annotated[Text, typer.Option(help="How dates are written, as YYYY-MM-DD or DD/MM/YYYY.")] = None,
    decimal_mark: Annotated[Text, typer.Option(help="What parts the decimals: . or ,")] = None,
    code_form: Annotated[Text, typer.Option(help="How codes are written: plain, plus (+44) or zeros (0044).")] = None,
    title: Annotated[
        list[str] | None,
        typer.Option(help="A row above the columns; {account}, {tariff}, {date} and the like are filled in."),
    ] = None,
    currency_row: Annotated[bool | None, typer.Option(help="Whether a row above names the currency.")] = None,
) -> None:
    """Keep how the price lists of customers look; what is not given stays as it is."""
    from trunkline.pricing.actions import save_notification_template

    said = {
        "columns": column or None,
        "kind": kind,
        "date_form": date_form,
        "decimal_mark": decimal_mark,
        "code_form": code_form,
        "title_rows": title or None,
        "has_currency_row": currency_row,
    }
    with tenant_scope(tenant):
        _, is_new = save_notification_template(name=name, **{k: v for k, v in said.items() if v is not None})
    say(f"template {name} {'made' if is_new else 'changed'}")


@app.command("templates")
def list_templates(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the templates of price lists with their columns."""
    from trunkline.pricing.notifications.queries import notification_templates

    with tenant_scope(tenant):
        rows = [
            {
                "name": each.name, "kind": each.kind, "columns": [name for name, _ in each.columns], "date_form": each.date_form,
                "decimal_mark": each.decimal_mark, "code_form": each.code_form, "title_rows": each.title_rows,
            }
            for each in notification_templates()
        ]  # fmt: skip
    if json:
        print_json({"templates": rows})
        return
    shown = [row | {"columns": ", ".join(row["columns"]), "title_rows": " | ".join(row["title_rows"])} for row in rows]
    names = ("name", "kind", "columns", "date_form", "decimal_mark", "code_form", "title_rows")
    print_rows("Templates", {name: name.replace("_", " ").capitalize() for name in names}, shown)


@app.command("plan")
def set_plan(
    account: AccountArgument,
    tariff: TariffArgument,
    tenant: TenantOption,
    template: Annotated[str, typer.Option(help="How its files look.")],
    agreement: Annotated[Text, typer.Option(help="Agreement about notice; none with an empty text.")] = None,
    mode: Annotated[Text, typer.Option(help="What it is told: changes, or all rates.")] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(help="A mail address; several times. Without any: the account's contacts for rates."),
    ] = None,
    language: Annotated[Text, typer.Option(help="Language of the mails: en or fr.")] = None,
    automatic: Annotated[
        bool | None, typer.Option("--automatic/--manual", help="Send what has changed by itself, once a day.")
    ] = None,
    at_hour: Annotated[
        int | None, typer.Option(help="Hour of the operator's clock at which it is sent, 0 to 23.")
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--ended", help="Whether the customer is told at all.")
    ] = None,
) -> None:
    """Let a customer be told of the prices of one of its tariffs; what is not given stays as it is."""
    from trunkline.parties.queries import get_account
    from trunkline.pricing.actions import plan_notifications
    from trunkline.pricing.notifications.queries import get_notification_template
    from trunkline.pricing.queries import get_agreement
    from trunkline.tariffs.queries import get_tariff

    said: dict[str, Any] = {
        "mode": mode,
        "recipients": recipient or None,
        "language": language,
        "is_automatic": automatic,
        "at_hour": at_hour,
        "is_active": active,
    }
    given = {name: value for name, value in said.items() if value is not None}
    with tenant_scope(tenant):
        if agreement is not None:
            given["agreement"] = get_agreement(agreement) if agreement else None
        plan, is_new = plan_notifications(
            account=get_account(account),
            tariff=get_tariff(tariff),
            template=get_notification_template(template),
            at=now(),
            **given,
        )
        how = f"each day at {plan.at_hour}:00" if plan.is_automatic else "when somebody sends it"
    said_of = "is told of" if plan.is_active else "is told no more of"
    say(f"{account} {said_of} {tariff}, {how} ({'new' if is_new else 'changed'})")


@app.command("plans")
def list_plans(tenant: TenantOption, json: JsonOption = False) -> None:
    """List who is told of which tariff, and when it was told last."""
    from trunkline.pricing.notifications.queries import last_sent, plans, recipients_of

    with tenant_scope(tenant):
        rows = []
        for each in plans():
            last = last_sent(each)
            rows.append(
                {
                    "id": str(each.public_id), "account": each.account.code, "tariff": each.tariff.name, "template": each.template.name,
                    "agreement": each.agreement.name if each.agreement else None, "mode": each.mode, "recipients": recipients_of(each),
                    "language": each.language, "automatic": each.is_automatic, "at_hour": each.at_hour, "active": each.is_active,
                    "told_last": utc_text(last.notified_at) if last else None,
                }
            )  # fmt: skip
    if json:
        print_json({"plans": rows})
        return
    names = ("account", "tariff", "template", "agreement", "mode", "recipients", "automatic", "active", "told_last")
    shown = [row | {"recipients": ", ".join(row["recipients"])} for row in rows]
    print_rows("Plans", {name: name.replace("_", " ").capitalize() for name in names}, shown)


@app.command("prepare")
def prepare(
    account: AccountArgument,
    tariff: TariffArgument,
    tenant: TenantOption,
    mode: Annotated[
        Text, typer.Option(help="What is told: changes, or all rates; as the plan says if left out.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Write the file here too, to look at it.")] = None,
    json: JsonOption = False,
) -> None:
    """Make a notification of what a customer does not know yet, to be looked at. Nobody is told yet."""
    from trunkline.pricing.actions.notifications import prepare as make
    from trunkline.pricing.notifications.queries import get_plan

    with tenant_scope(tenant) as tenant_id:
        plan = get_plan(account, tariff)
    made = make(tenant_id, plan.pk, mode=mode, actor=actor(), now=now)
    _copy(tenant, str(made.public_id), file)
    _print(tenant, str(made.public_id), json=json)


@app.command("list")
def list_notifications(
    tenant: TenantOption,
    account: Annotated[str, typer.Option(help="Code of a customer: its notifications alone.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 50,
    json: JsonOption = False,
) -> None:
    """List notifications, the latest first, with what became of them."""
    from trunkline.pricing.notifications.queries import mail_counts, notifications

    with tenant_scope(tenant):
        found = notifications()
        if account:
            found = found.filter(plan__account__code=account)
        shown = list(found[:limit])
        counts = mail_counts(shown)
        rows = [_facts(each) | {"mails": counts.get(each.pk, {"all": 0, "sent": 0, "wrong": 0})} for each in shown]
    if json:
        print_json({"notifications": rows})
        return
    lines = [
        row | {"mails": f"{row['mails']['sent']}/{row['mails']['all']}" if row["mails"]["all"] else ""} for row in rows
    ]
    names = ("id", "account", "tariff", "state", "mode", "rows", "breaches", "made_at", "sent_at", "mails")
    print_rows(
        "Notifications",
        {name: name.replace("_", " ").capitalize() for name in names},
        lines,
        right=["rows", "breaches"],
    )


@app.command("show")
def show(
    notification: IdArgument,
    tenant: TenantOption,
    breaches: Annotated[bool, typer.Option("--breaches", help="Only lines that begin too soon.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many lines.")] = SHOWN_LINES,
    file: Annotated[Path | None, typer.Option(help="Write the file here, as it is sent.")] = None,
    json: JsonOption = False,
) -> None:
    """Show a notification: its lines, what to look at, and what became of each mail."""
    _copy(tenant, notification, file)
    _print(tenant, notification, json=json, breaches=breaches, limit=limit)


@app.command("send")
def send(
    notification: IdArgument,
    tenant: TenantOption,
    flag: Annotated[
        bool, typer.Option("--flag", help="Send it although lines begin sooner than the agreement allows.")
    ] = False,
    reason: ReasonOption = "",
    background: Annotated[bool, typer.Option("--background", help="Leave the mails to a worker.")] = False,
    json: JsonOption = False,
) -> None:
    """Send a prepared notification to the customer, a mail to each address."""
    from trunkline.pricing.actions.notifications import send as begin
    from trunkline.pricing.notifications.queries import access_notification

    with tenant_scope(tenant, reason=reason) as tenant_id:
        found = access_notification(notification)
        begin(notification_id=found.pk, flag=flag, reason=reason, at=now())
    if not background:
        _send_mails(tenant, tenant_id, notification)
    _print(tenant, notification, json=json, limit=0)


@app.command("send-again")
def send_again(
    notification: IdArgument,
    tenant: TenantOption,
    background: Annotated[bool, typer.Option("--background", help="Leave the mails to a worker.")] = False,
    json: JsonOption = False,
) -> None:
    """Send the mails of a notification again that did not arrive; those that went out stay."""
    from trunkline.pricing.actions.notifications import send_again as begin
    from trunkline.pricing.notifications.queries import access_notification

    with tenant_scope(tenant) as tenant_id:
        begin(notification_id=access_notification(notification).pk, at=now())
    if not background:
        _send_mails(tenant, tenant_id, notification)
    _print(tenant, notification, json=json, limit=0)


@app.command("put-off")
def put_off(notification: IdArgument, tenant: TenantOption, reason: ReasonOption, json: JsonOption = False) -> None:
    """Put the changes that begin too soon off to when the agreement allows, in the tariff, and prepare the notification anew.

    Special rates and prices of a parent stay as they are; what is found says how many of them begin too soon.
    """
    from trunkline.pricing.actions.notification_dates import put_off as move
    from trunkline.pricing.notifications.queries import access_notification

    with tenant_scope(tenant) as tenant_id:
        found = access_notification(notification)
    made = move(tenant_id, found.pk, reason=reason, actor=actor(), now=now)
    _print(tenant, str(made.public_id), json=json)


@app.command("discard")
def discard(notification: IdArgument, tenant: TenantOption, reason: ReasonOption, json: JsonOption = False) -> None:
    """Say no to a prepared notification; it stays in the list."""
    from trunkline.pricing.actions.notifications import discard as end
    from trunkline.pricing.notifications.queries import access_notification

    with tenant_scope(tenant, reason=reason):
        end(notification_id=access_notification(notification).pk, reason=reason, at=now())
    _print(tenant, notification, json=json, limit=0)


def _send_mails(tenant: str, tenant_id: int, notification: str) -> None:
    """Do what a worker would: whoever of the two is first at a mail sends it."""
    from trunkline.pricing.notifications.mailing import send_mail
    from trunkline.pricing.notifications.queries import access_notification, mails

    with tenant_scope(tenant):
        waiting = list(mails(access_notification(notification)).filter(state="waiting").values_list("pk", flat=True))
    for mail_id in waiting:
        send_mail(tenant_id=tenant_id, mail_id=mail_id, now=now)


def _copy(tenant: str, notification: str, file: Path | None) -> None:
    from trunkline.pricing.notifications.queries import access_notification, file_of

    if file is None:
        return
    with tenant_scope(tenant):
        path = file_of(access_notification(notification))
    try:
        file.write_bytes(path.read_bytes())
    except OSError as error:
        raise Invalid("cannot_write", f"{file} cannot be written: {error.strerror}.") from error


def _facts(each: Notification) -> dict[str, Any]:
    return {
        "id": str(each.public_id), "account": each.plan.account.code, "tariff": each.plan.tariff.name, "state": each.state, "mode": each.mode,
        "revision": each.revision, "rows": each.rows, "counts": each.counts, "breaches": each.breaches, "flagged": each.is_flagged,
        "first_effective": utc_text(each.first_effective), "file": each.file_name, "sha256": each.sha256, "octets": each.octets,
        "made_at": utc_text(each.made_at), "notified_at": utc_text(each.notified_at), "sent_at": utc_text(each.sent_at), "reason": each.reason,
    }  # fmt: skip


def _print(tenant: str, notification: str, *, json: bool, breaches: bool = False, limit: int = SHOWN_LINES) -> None:
    from trunkline.pricing.notifications.queries import access_notification, mails, recipients_of, shown_lines

    with tenant_scope(tenant):
        found = access_notification(notification)
        zone = found.plan.tariff.timezone
        sent = [
            {"address": each.address, "state": each.state, "attempts": each.attempts, "sent_at": utc_text(each.sent_at), "failure": each.failure,
             "failure_detail": each.failure_detail}
            for each in mails(found)
        ]  # fmt: skip
        lines = [_line(each, zone) for each in shown_lines(found, limit=limit, only_breaches=breaches)] if limit else []
        facts = _facts(found) | {
            "recipients": recipients_of(found.plan),
            "findings": found.findings,
            "mails": sent,
            "lines": lines,
        }
    if json:
        print_json(facts)
        return
    counts = ", ".join(f"{count} {word}" for word, count in facts["counts"].items())
    say(f"{facts['id']}  {facts['account']}, {facts['tariff']}: {facts['state']}, {facts['rows']} rows ({counts})")
    if facts["breaches"]:
        say(
            f"{facts['breaches']} lines begin sooner than the agreement allows{' (flagged)' if facts['flagged'] else ''}"
        )
    if facts["findings"]:
        table("Look at", ["Check", "Level", "Text"], [[f["check"], f["level"], f["text"]] for f in facts["findings"]])
    if lines:
        names = ("code", "destination", "status", "effective", "rate", "increments", "previous", "allowed")
        print_rows("Lines", {name: name.capitalize() for name in names}, lines, right=["rate", "previous"])
    if sent:
        print_rows(
            "Mails",
            {n: n.replace("_", " ").capitalize() for n in ("address", "state", "sent_at", "failure", "failure_detail")},
            sent,
        )
    elif facts["state"] == "prepared":
        say(f"to: {', '.join(facts['recipients']) or 'nobody: the account has no contact for rates'}")


def _line(line: dict[str, Any], zone: str) -> dict[str, Any]:
    shown = {
        name: None if value is None else value if isinstance(value, int) else str(value) for name, value in line.items()
    }
    for name in ("effective", "end", "allowed"):
        value = line[name]
        if isinstance(value, int):
            from datetime import UTC, datetime

            value = datetime.fromtimestamp(value, UTC)
        shown[name] = local_text(value, zone) or None
    return shown

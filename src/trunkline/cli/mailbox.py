"""`trunkline mailbox`: rate sheets that come by mail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli.door import (
    JsonOption,
    TenantOption,
    given_options,
    now,
    print_json,
    say,
    table,
    tenant_scope,
    with_options,
)
from trunkline.cli.shown import print_rows, required_instant
from trunkline.cli.source import read_secret
from trunkline.core.errors import Invalid
from trunkline.core.period import utc_text

if TYPE_CHECKING:
    from trunkline.pricing.mailbox.queries import Shown
    from trunkline.pricing.models import Mail, MailRule, MailSheet

app = typer.Typer(
    help="Mailboxes that vendors send rate sheets to: rules for their mails, and what became of each.",
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(help="Name of the mailbox.")]
MessageArgument = Annotated[str, typer.Argument(help="Id of the message, as `mailbox messages` shows it.")]


@app.command("set")
def set_mailbox(
    name: NameArgument,
    tenant: TenantOption,
    host: Annotated[str | None, typer.Option(help="Name or address of the IMAP server.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 993 if left out. TLS from the first octet.")] = None,
    login: Annotated[str | None, typer.Option("--user", help="User on the server.")] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(help="File with the password in its first line; - for the standard input, or to be asked."),
    ] = None,
    pin: Annotated[
        str | None, typer.Option("--fingerprint", help="Fingerprint of its certificate, if no authority has signed it.")
    ] = None,
    folder: Annotated[str | None, typer.Option(help="Folder of the mailbox; INBOX if left out.")] = None,
    every: Annotated[int | None, typer.Option(help="Minutes from one look to the next; 5 if left out.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Take mails that came then or later: a date or an instant. At first a week ago.")
    ] = None,
) -> None:
    """Make a mailbox, or change what is given of one that is there. A worker looks into it from now on."""
    from trunkline.pricing.actions import add_mailbox, change_mailbox
    from trunkline.pricing.models import Mailbox
    from trunkline.tenancy.queries import current_tenant

    said = {"host": host, "port": port, "login": login, "pin": pin, "folder": folder, "every_min": every}
    given: dict[str, Any] = {option: value for option, value in said.items() if value is not None}
    if password_file is not None:
        given["password"] = read_secret(password_file, "Password")
    with tenant_scope(tenant):
        if since is not None:
            given["taken_from"] = required_instant(since, current_tenant().timezone)
        known = Mailbox.objects.filter(name=name).first()
        if known is not None:
            change_mailbox(mailbox_id=known.pk, at=now(), **given)
        elif {"host", "login", "password"} - given.keys():
            raise Invalid(
                "mailbox_login",
                "A new mailbox needs a server, a user and a password.",
                hint="--host, --user, --password-file.",
            )
        else:
            add_mailbox(name=name, at=now(), **given)
    say(f"mailbox {name} {'made' if known is None else 'changed'}")


@app.command("list")
def list_mailboxes(tenant: TenantOption, json: JsonOption = False) -> None:
    """List the mailboxes and how each is doing."""
    from trunkline.pricing.mailbox.queries import mailboxes, with_feeds

    with tenant_scope(tenant):
        rows = [_facts(each) for each in with_feeds(list(mailboxes()))]
    if json:
        print_json({"mailboxes": rows})
        return
    columns = {
        "name": "Name",
        "address": "Where",
        "state": "State",
        "looked_at": "Last look",
        "next_at": "Next look",
        "failure_detail": "Error",
    }
    print_rows("Mailboxes", columns, rows)


@app.command()
def show(name: NameArgument, tenant: TenantOption, json: JsonOption = False) -> None:
    """Show a mailbox and its rules in the order in which they are tried. The password is never shown."""
    from trunkline.pricing.mailbox.queries import get_mailbox, rules_of, with_feeds

    with tenant_scope(tenant):
        (shown,) = with_feeds([get_mailbox(name)])
        facts, rules = _facts(shown), [_rule_facts(each) for each in rules_of(shown.mailbox)]
    if json:
        print_json(facts | {"rules": rules})
        return
    table("", ["", ""], [[fact, value if value is not None else ""] for fact, value in facts.items()])
    columns = {
        "position": "Position", "name": "Rule", "senders": "Senders", "subject": "Subject", "attachment": "Files", "action": "Action", "template": "Template",
        "applies_itself": "Applies itself", "limit_cost": "Cost", "limit_increases": "Increases %", "limit_closed": "Closed", "limit_drop": "Fewer lines %",
    }  # fmt: skip
    shown_rules = [each | {"senders": ", ".join(each["senders"])} for each in rules]
    print_rows("Rules", columns, shown_rules, right=["position"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOptions:
    """What can be said of a rule, by the names that the actions know."""

    position: Annotated[
        int | None, typer.Option(help="Where it stands among the rules; behind the others if left out.")
    ]
    senders: Annotated[
        list[str] | None,
        typer.Option("--sender", help="Whose mails: an address, @domain, or * for all; several times."),
    ]
    subject: Annotated[
        str | None, typer.Option(help="Regular expression that is found in the subject; any if left out.")
    ]
    attachment: Annotated[str | None, typer.Option("--files", help="Names of the files to take, such as '*.xlsx'.")]
    applies_itself: Annotated[
        bool | None,
        typer.Option("--apply/--approve", help="Apply sheets within the limits, or let a person approve each."),
    ]
    limit_increases: Annotated[int | None, typer.Option("--max-increases", help="Most lines that may go up, percent.")]
    limit_closed: Annotated[int | None, typer.Option("--max-closed", help="Most codes that may close.")]
    limit_drop: Annotated[
        int | None, typer.Option("--max-drop", help="Percent of lines that may be missing after the sheet before.")
    ]


@app.command()
@with_options
def rule(
    name: NameArgument,
    rule: Annotated[str, typer.Argument(help="What the rule is called, as the vendor.")],
    tenant: TenantOption,
    *,
    template: Annotated[
        str | None, typer.Option(help="Template of the vendor: tariff, scope, agreement, layout, checks.")
    ] = None,
    ignore: Annotated[bool, typer.Option("--ignore", help="Ignore such mails.")] = False,
    max_cost: Annotated[
        str | None, typer.Option(help="Most that a sheet may cost more a month, in the tariff's currency.")
    ] = None,
    options: RuleOptions,
) -> None:
    """Make a rule of a mailbox, or change what is given of one that is there. It holds for mails that are read from now on."""
    from trunkline.core.money import Amount
    from trunkline.pricing.actions import add_rule, change_rule
    from trunkline.pricing.choices import RuleAction
    from trunkline.pricing.mailbox.queries import get_mail_rule, get_mailbox
    from trunkline.pricing.queries import get_template

    given = given_options(options)
    if max_cost is not None:
        given["limit_cost"] = Amount.from_text(max_cost)
    with tenant_scope(tenant):
        if ignore:
            given |= {"action": RuleAction.IGNORE, "template_id": None}
        elif template is not None:
            given |= {"action": RuleAction.COMPARE, "template_id": get_template(template).pk}
        mailbox = get_mailbox(name)
        known = get_mail_rule(mailbox, rule)
        if known is None:
            add_rule(mailbox=mailbox, name=rule, **({"senders": []} | given))
        else:
            change_rule(rule_id=known.pk, **given)
    say(f"rule {rule} {'made' if known is None else 'changed'}")


@app.command("rule-remove")
def remove_rule(
    name: NameArgument, rule: Annotated[str, typer.Argument(help="Name of the rule.")], tenant: TenantOption
) -> None:
    """Forget a rule. What it did stays."""
    from trunkline.core.errors import NotFound
    from trunkline.pricing.actions import remove_rule as forget
    from trunkline.pricing.mailbox.queries import get_mail_rule, get_mailbox

    with tenant_scope(tenant):
        found = get_mail_rule(get_mailbox(name), rule)
        if found is None:
            raise NotFound("mail_rule_not_found", f"The mailbox {name} has no rule {rule!r}.")
        forget(rule_id=found.pk)
    say(f"rule {rule} removed")


@app.command()
def trust(
    name: NameArgument,
    tenant: TenantOption,
    pin: Annotated[
        str,
        typer.Option("--fingerprint", help="The fingerprint to trust; without it the server is asked and it is shown."),
    ] = "",
) -> None:
    """Show the certificate of the server, or trust the one of a fingerprint, and no other."""
    from trunkline.pricing.actions import change_mailbox
    from trunkline.pricing.mailbox.queries import get_mailbox
    from trunkline.usage.sources.choices import SourceKind
    from trunkline.usage.sources.tls import shown_pin

    with tenant_scope(tenant):
        mailbox = get_mailbox(name)
    if not pin:
        typer.echo(shown_pin(SourceKind.IMAP, mailbox.host, mailbox.port))
        say("Compare it with what the server's operator says, and give it as --fingerprint.")
        return
    with tenant_scope(tenant):
        change_mailbox(mailbox_id=mailbox.pk, at=now(), pin=pin)
    say(f"mailbox {name} trusts {pin}, and nothing else")


@app.command()
def pause(name: NameArgument, tenant: TenantOption) -> None:
    """Look into a mailbox no more until it is resumed."""
    from trunkline.pricing.actions import pause_mailbox
    from trunkline.pricing.mailbox.queries import get_mailbox

    with tenant_scope(tenant):
        pause_mailbox(mailbox_id=get_mailbox(name).pk)
    say(f"mailbox {name} paused")


@app.command()
def resume(name: NameArgument, tenant: TenantOption) -> None:
    """Look into a paused mailbox again; what came meanwhile is taken."""
    from trunkline.pricing.actions import resume_mailbox
    from trunkline.pricing.mailbox.queries import get_mailbox

    with tenant_scope(tenant):
        resume_mailbox(mailbox_id=get_mailbox(name).pk, at=now())
    say(f"mailbox {name} resumed")


@app.command()
def remove(name: NameArgument, tenant: TenantOption) -> None:
    """Forget a mailbox, its password, rules and messages. Sheets that came by it stay, and so do the mails on the server."""
    from trunkline.pricing.actions import remove_mailbox
    from trunkline.pricing.mailbox.queries import get_mailbox

    with tenant_scope(tenant):
        remove_mailbox(mailbox_id=get_mailbox(name).pk)
    say(f"mailbox {name} removed")


@app.command()
def reseal(tenant: TenantOption) -> None:
    """Seal the passwords of all mailboxes under the newest key, so that older keys can go."""
    from trunkline.pricing.actions.mailboxes import reseal_mailboxes

    with tenant_scope(tenant):
        count = reseal_mailboxes()
    say(f"{count} passwords sealed again")


@app.command()
def run(name: NameArgument, tenant: TenantOption, json: JsonOption = False) -> None:
    """Look into a mailbox now, and print what became of each message that was new."""
    from trunkline.core.errors import Busy
    from trunkline.pricing.mailbox.look import look
    from trunkline.pricing.mailbox.queries import get_mailbox, mails, sheets_of

    with tenant_scope(tenant) as tenant_id:
        mailbox_id = get_mailbox(name).pk
    found = look(tenant_id=tenant_id, mailbox_id=mailbox_id, now=now)
    if found is None:
        raise Busy("mailbox_busy", f"Somebody else is looking into {name}.", hint="Try again in a moment.")
    with tenant_scope(tenant):
        taken = list(mails().filter(pk__in=found.mails).order_by("received_at", "pk"))
        sheets = sheets_of(taken)
        rows = [_mail_facts(each, sheets.get(each.pk, [])) for each in taken]
    if json:
        print_json({"messages": rows, "has_more": found.has_more})
    else:
        _print_mails("New messages", rows)
    if found.failure is not None:
        raise found.failure


@app.command()
def messages(
    tenant: TenantOption,
    mailbox: Annotated[str | None, typer.Option(help="Only those of this mailbox.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only those in this state, such as waiting, no_rule or applied.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 50,
    json: JsonOption = False,
) -> None:
    """List messages, those that came last first: what hung on them, and what became of it."""
    from trunkline.pricing.choices import ReceivedMailState
    from trunkline.pricing.mailbox.queries import get_mailbox, mails, sheets_of

    if state is not None and state not in ReceivedMailState.values:
        raise Invalid(
            "unknown_state", f"There is no state {state!r}.", hint=f"There are {', '.join(ReceivedMailState.values)}."
        )
    with tenant_scope(tenant):
        found = mails(get_mailbox(mailbox) if mailbox else None)
        shown = list((found.filter(state=state) if state else found)[:limit])
        sheets = sheets_of(shown)
        rows = [_mail_facts(each, sheets.get(each.pk, [])) for each in shown]
    if json:
        print_json({"messages": rows})
    else:
        _print_mails("Messages", rows)


@app.command()
def check(tenant: TenantOption, json: JsonOption = False) -> None:
    """Print what wants a person: messages that wait, mailboxes that cannot be read. Ends with status 1 if there is something."""
    from trunkline.pricing.mailbox.queries import failing_mailboxes, sheets_of, waiting_mails

    with tenant_scope(tenant):
        waiting = waiting_mails()
        sheets = sheets_of(waiting)
        rows = [_mail_facts(each, sheets.get(each.pk, [])) for each in waiting]
        failing = [
            {"name": each.mailbox.name, "failure": each.failure, "detail": each.failure_detail}
            for each in failing_mailboxes()
        ]
    if json:
        print_json({"messages": rows, "mailboxes": failing})
    elif not rows and not failing:
        typer.echo("nothing waits")
    else:
        _print_mails("Messages that want a person", rows)
        for each in failing:
            typer.echo(f"{each['name']}: {each['detail']}")
    if rows or failing:
        raise typer.Exit(1)


@app.command()
def again(message: MessageArgument, tenant: TenantOption) -> None:
    """Have a message read once more at the next look, by the rules as they are now."""
    from trunkline.pricing.actions import try_mail_again
    from trunkline.pricing.mailbox.queries import access_mail

    with tenant_scope(tenant):
        mail = try_mail_again(mail_id=access_mail(message).pk, at=now())
    say(f"the next look into {mail.mailbox.name} reads it again")


@app.command()
def dismiss(
    message: MessageArgument,
    tenant: TenantOption,
    reason: Annotated[str, typer.Option(help="Why nothing is to be done.")] = "",
) -> None:
    """Set a message aside: nothing is to be done."""
    from trunkline.pricing.actions import dismiss_mail
    from trunkline.pricing.mailbox.queries import access_mail

    with tenant_scope(tenant, reason=reason):
        dismiss_mail(mail_id=access_mail(message).pk, reason=reason, at=now())
    say("message set aside")


@app.command()
def remind(
    email: Annotated[str, typer.Argument(help="E-mail address by which one of the staff signs in.")],
    tenant: TenantOption,
    on: Annotated[bool, typer.Option("--on/--off", help="Whether mails tell them of sheets that wait.")] = True,
) -> None:
    """Say whether one of the staff is told by mail of sheets that wait; who may apply sheets is, unless it is turned off."""
    from trunkline.identity.queries import access_membership_of
    from trunkline.pricing.mailbox.reminders import set_reminders

    with tenant_scope(tenant):
        set_reminders(membership=access_membership_of(email), is_told=on, at=now())
    say(f"{email} is told by mail" if on else f"{email} is not told by mail")


@app.command()
def reminders(tenant: TenantOption, json: JsonOption = False) -> None:
    """List who is told by mail of sheets that wait, and what became of the last mail to each."""
    from trunkline.pricing.mailbox.reminders import approvers, last_reminders

    with tenant_scope(tenant):
        last = last_reminders()
        rows = [
            {
                "email": member.user.email,
                "last": utc_text(last[member.pk].made_at) if member.pk in last else None,
                "state": str(last[member.pk].state) if member.pk in last else None,
                "detail": last[member.pk].failure_detail if member.pk in last else "",
            }
            for member in approvers(now())
        ]
    if json:
        print_json({"staff": rows})
    else:
        titles = {"email": "E-mail", "last": "Last mail", "state": "State", "detail": "Why"}
        print_rows("Told of sheets that wait", titles, rows)


def _print_mails(title: str, rows: list[dict[str, Any]]) -> None:
    columns = {
        "id": "Id", "received_at": "Received", "mailbox": "Mailbox", "sender": "From", "subject": "Subject", "rule": "Rule", "state": "State",
        "sheets": "Sheets", "detail": "Why",
    }  # fmt: skip
    print_rows(
        title,
        columns,
        [each | {"sheets": ", ".join(str(s["sheet"] or s["file"]) for s in each["sheets"])} for each in rows],
    )


def _mail_facts(mail: Mail, sheets: list[MailSheet]) -> dict[str, Any]:
    return {
        "id": str(mail.public_id), "mailbox": mail.mailbox.name, "received_at": utc_text(mail.received_at), "sender": mail.sender, "subject": mail.subject,
        "files": mail.files, "effective_on": mail.effective_on and mail.effective_on.isoformat(), "rule": mail.rule.name if mail.rule else None,
        "state": mail.state, "detail": mail.detail,
        "sheets": [
            {"file": each.name, "state": each.state, "detail": each.detail, "sheet": str(each.sheet.public_id) if each.sheet else None}
            for each in sheets
        ],
    }  # fmt: skip


def _rule_facts(rule: MailRule) -> dict[str, Any]:
    plain = (
        "position",
        "name",
        "senders",
        "subject",
        "attachment",
        "action",
        "applies_itself",
        "limit_increases",
        "limit_closed",
        "limit_drop",
    )
    return {name: getattr(rule, name) for name in plain} | {
        "template": rule.template.name if rule.template else None,
        "limit_cost": None if rule.limit_cost is None else str(rule.limit_cost),
    }


def _facts(each: Shown) -> dict[str, Any]:
    mailbox, feed = each.mailbox, each.feed
    state = "paused" if not mailbox.is_active else "failing" if feed.failures else "ok"
    return {
        "name": mailbox.name, "address": f"{mailbox.login}@{mailbox.host}:{mailbox.port} {mailbox.folder}", "pin": mailbox.pin,
        "every_min": mailbox.every_min, "taken_from": utc_text(mailbox.taken_from), "state": state, "looked_at": utc_text(feed.looked_at),
        "next_at": utc_text(feed.next_at), "failures": feed.failures, "failure": feed.failure, "failure_detail": feed.failure_detail,
    }  # fmt: skip

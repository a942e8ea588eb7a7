"""Mailboxes that rate sheets come by, and the rules for their mails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.shapes import Body, Id, Instant, Money, RowId, answers, page_of
from trunkline.api.sources import Fingerprint, Hidden, Host, Login, Pin, Port, Trust
from trunkline.api.versions import etag, require_match, show
from trunkline.core.errors import Conflict
from trunkline.core.money import Amount
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions
from trunkline.pricing.actions.mailboxes import MINUTES_MAX
from trunkline.pricing.choices import RuleAction
from trunkline.pricing.mailbox.queries import (
    Shown,
    access_mail_rule,
    access_mailbox,
    mail_rules,
    mailboxes,
    with_feeds,
)
from trunkline.pricing.mailbox.schedule import look_soon
from trunkline.pricing.models import Mailbox, MailRule
from trunkline.pricing.queries import access_template
from trunkline.tenancy.scope import scope
from trunkline.usage.sources.choices import SourceKind
from trunkline.usage.sources.tls import shown_pin

router = Router(tags=["mailboxes"])
rules = Router(tags=["mailboxes"])

ShortText = Annotated[str, Field(min_length=1, max_length=60)]
Folder = Annotated[str, Field(min_length=1, max_length=500, description="Folder of the mailbox.")]
Minutes = Annotated[int, Field(ge=1, le=MINUTES_MAX, description="Minutes from one look to the next.")]
Senders = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=320)]],
    Field(
        min_length=1,
        max_length=200,
        description="Whose mails: an address, `@domain`, or `*` for everybody.",
        examples=[["@vendor.example"]],
    ),
]
Subject = Annotated[
    str, Field(max_length=200, description="Regular expression of RE2 that is found in the subject; empty: any.")
]
Files = Annotated[
    str, Field(min_length=1, max_length=100, description="Names of the files to take.", examples=["*.xlsx"])
]
Position = Annotated[
    int, Field(ge=1, le=1_000_000, description="Rules are tried in this order; the first that fits decides.")
]
Percent = Annotated[int, Field(ge=0, le=100)]
Codes = Annotated[int, Field(ge=0, le=2**31 - 1)]


class NewMailbox(Body):
    """A mailbox to be made: IMAP, TLS from the first octet. Nothing is changed in it."""

    name: ShortText
    host: Host
    port: Port = 993
    login: Login
    password: Hidden = Field(description="Never shown again.")
    pin: Pin = ""
    folder: Folder = "INBOX"
    every_min: Minutes = 5
    taken_from: Instant | None = Field(
        default=None, description="Mails that came earlier are left alone; null: a week ago."
    )


class MailboxChange(Body):
    """What to change of a mailbox. What is left out stays. Another server must be trusted anew."""

    host: Host | None = None
    port: Port | None = None
    login: Login | None = None
    password: Hidden | None = None
    pin: Pin | None = None
    folder: Folder | None = None
    every_min: Minutes | None = None
    taken_from: Instant | None = None


class MailboxFeedShown(Body):
    """How a mailbox has been doing."""

    next_at: datetime
    looked_at: datetime | None
    succeeded_at: datetime | None
    failures: int = Field(description="Looks in a row that failed.")
    failure: str
    failure_detail: str


class MailboxShown(Body):
    """A mailbox that vendors send their rate sheets to. Its password is never shown."""

    UNVERSIONED: ClassVar = frozenset({"feed"})  # it changes with every look

    id: UUID
    name: str
    host: str
    port: int
    login: str
    secrets_changed_at: datetime | None
    pin: str
    folder: str
    every_min: int
    taken_from: datetime
    is_active: bool
    feed: MailboxFeedShown


class RuleLimits(Body):
    """Within which a sheet is applied without a person; null limits nothing. Errors in rows and findings of checks always want one."""

    cost: Money | None = Field(
        default=None, description="Most that it may cost more a month, in the tariff's currency."
    )
    increases: Percent | None = Field(default=None, description="Most lines that may go up, percent.")
    closed: Codes | None = Field(default=None, description="Most codes that may close.")
    drop: Percent | None = Field(
        default=None, description="Percent of lines that may be missing after the sheet before."
    )


class NewRule(Body):
    """A rule of a mailbox to be made. It holds for mails that are read from now on."""

    mailbox_id: Id
    name: ShortText
    position: Position | None = Field(default=None, description="null: behind the others.")
    senders: Senders
    subject: Subject = ""
    attachment: Files = "*"
    action: RuleAction = RuleAction.COMPARE
    template_id: RowId | None = Field(
        default=None, description="By which template sheets are read; none of a rule that ignores."
    )
    applies_itself: bool = Field(
        default=False, description="Apply sheets within the limits; `limits.cost` must be given then."
    )
    limits: RuleLimits = Field(default_factory=RuleLimits)


class RuleChange(Body):
    """What to change of a rule. What is left out stays."""

    name: ShortText | None = None
    position: Position | None = None
    senders: Senders | None = None
    subject: Subject | None = None
    attachment: Files | None = None
    action: RuleAction | None = None
    template_id: RowId | None = Field(default=None, description="null: none.")
    applies_itself: bool | None = None
    limits: RuleLimits | None = Field(default=None, description="Limits that are left out keep theirs.")


class RuleShown(Body):
    """Which mails of a mailbox are meant, by which template their sheets are read, and when they are applied without a person."""

    id: UUID
    mailbox_id: UUID
    mailbox: str
    position: int
    name: str
    senders: list[str]
    subject: str
    attachment: str
    action: RuleAction
    template_id: int | None
    template: str | None
    applies_itself: bool
    limits: RuleLimits


_LIMITS: Final = ("cost", "increases", "closed", "drop")


def shown(each: Shown) -> MailboxShown:
    """A mailbox as the API shows it."""
    own = MailboxShown.model_fields.keys() - {"id", "feed"}
    return MailboxShown(
        **{name: getattr(each.mailbox, name) for name in own},
        id=each.mailbox.public_id,
        feed=MailboxFeedShown(**{name: getattr(each.feed, name) for name in MailboxFeedShown.model_fields}),
    )


def rule_shown(rule: MailRule) -> RuleShown:
    """A rule as the API shows it."""
    own = ("position", "name", "senders", "subject", "attachment", "applies_itself", "template_id")
    limits = {name: getattr(rule, f"limit_{name}") for name in _LIMITS}
    limits["cost"] = None if rule.limit_cost is None else str(rule.limit_cost)
    return RuleShown(
        **{name: getattr(rule, name) for name in own},
        id=rule.public_id,
        mailbox_id=rule.mailbox.public_id,
        mailbox=rule.mailbox.name,
        action=RuleAction(rule.action),
        template=rule.template and rule.template.name,
        limits=RuleLimits(**limits),
    )


def _page(rows: Sequence[Mailbox], _: Mapping[str, Any]) -> Iterable[MailboxShown]:
    return map(shown, with_feeds(rows))


MAILBOXES: Final = listing.Listing(
    schema=MailboxShown,
    page=_page,
    sorts={"name": "name"},
    filters={"name": listing.text("name", prefix=True), "is_active": listing.boolean("is_active")},
)
RULES: Final = listing.Listing(
    schema=RuleShown,
    row=rule_shown,
    sorts={"position": "position", "name": "name"},
    filters={
        "mailbox_id": listing.public_id("mailbox__public_id"),
        "name": listing.text("name", prefix=True),
        "template_id": listing.number("template_id"),
        "action": listing.choice("action", RuleAction),
        "applies_itself": listing.boolean("applies_itself"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(MailboxShown)),
    openapi_extra={"parameters": MAILBOXES.parameters},
)
def list_mailboxes(request: HttpRequest) -> JsonResponse:
    """List the mailboxes and how each is doing."""
    return MAILBOXES.answer(request, mailboxes())


@router.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(MailboxShown, 409, status=201))
def create_mailbox(request: HttpRequest, response: HttpResponse, mailbox: NewMailbox) -> Status[Any]:
    """Make a mailbox; a worker looks into it from now on."""
    made = actions.add_mailbox(**{name: getattr(mailbox, name) for name in NewMailbox.model_fields}, at=now())
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, _show(response, str(made.public_id)))


@router.get("/{mailbox_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(MailboxShown, 404))
def get_mailbox(request: HttpRequest, response: HttpResponse, mailbox_id: Id) -> Any:
    """A mailbox, and how it is doing. Its `ETag` is of what people say of it."""
    return _show(response, mailbox_id)


@router.patch("/{mailbox_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(MailboxShown, 404, 412))
def change_mailbox(request: HttpRequest, response: HttpResponse, mailbox_id: Id, change: MailboxChange) -> Any:
    """Change a mailbox. The next look is due at once."""
    mailbox = _locked(request, mailbox_id)
    given = {name: getattr(change, name) for name in change.model_fields_set if getattr(change, name) is not None}
    actions.change_mailbox(mailbox_id=mailbox.pk, **given, at=now())
    return _show(response, mailbox_id)


@router.delete("/{mailbox_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(None, 404, 412, status=204))
def remove_mailbox(request: HttpRequest, mailbox_id: Id) -> Status[None]:
    """Forget a mailbox, its password, rules and mails. Sheets that came by it stay, and so do the mails on the server."""
    actions.remove_mailbox(mailbox_id=_locked(request, mailbox_id).pk)
    return Status(204, None)


@router.post("/{mailbox_id}/pause", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(MailboxShown, 404, 412))
def pause_mailbox(request: HttpRequest, response: HttpResponse, mailbox_id: Id) -> Any:
    """Look into a mailbox no more until it is resumed."""
    actions.pause_mailbox(mailbox_id=_locked(request, mailbox_id).pk)
    return _show(response, mailbox_id)


@router.post("/{mailbox_id}/resume", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(MailboxShown, 404, 412))
def resume_mailbox(request: HttpRequest, response: HttpResponse, mailbox_id: Id) -> Any:
    """Look into a paused mailbox again; what came meanwhile is taken."""
    actions.resume_mailbox(mailbox_id=_locked(request, mailbox_id).pk, at=now())
    return _show(response, mailbox_id)


@router.post(
    "/{mailbox_id}/fingerprint", auth=ApiKey(Permission.TARIFFS_WRITE, spools=True), response=answers(Fingerprint, 404)
)
def ask_mailbox_fingerprint(request: HttpRequest, mailbox_id: Id) -> Any:
    """Ask the server of a mailbox for its certificate now. Nobody logs in, and nothing is trusted by it."""
    principal = principal_of(request)
    with scope(principal.tenant_id, principal.actor):
        mailbox = access_mailbox(mailbox_id)
    pin = shown_pin(SourceKind.IMAP, mailbox.host, mailbox.port)
    begin(request)
    return Fingerprint(pin=pin, trusted=mailbox.pin, is_trusted=pin == mailbox.pin)


@router.post("/{mailbox_id}/trust", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(MailboxShown, 404, 412))
def trust_mailbox(request: HttpRequest, response: HttpResponse, mailbox_id: Id, trust: Trust) -> Any:
    """Trust the certificate of that fingerprint, and no other. The next look is due at once."""
    actions.change_mailbox(mailbox_id=_locked(request, mailbox_id).pk, pin=trust.pin, at=now())
    return _show(response, mailbox_id)


@router.post(
    "/{mailbox_id}/look", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(MailboxShown, 404, 409, status=202)
)
def look_into_mailbox(request: HttpRequest, response: HttpResponse, mailbox_id: Id) -> Status[Any]:
    """Have a worker look into a mailbox at once. What it found is polled: `feed.looked_at`, and the mails."""
    principal = principal_of(request)
    mailbox = access_mailbox(mailbox_id)
    if not mailbox.is_active:
        raise Conflict("mailbox_paused", "The mailbox is paused.", hint="Resume it.")
    look_soon(principal.tenant_id, mailbox.pk)
    return Status(202, _show(response, mailbox_id))


@rules.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(RuleShown)),
    openapi_extra={"parameters": RULES.parameters},
)
def list_mail_rules(request: HttpRequest) -> JsonResponse:
    """List the rules of mailboxes in the order in which they are tried."""
    return RULES.answer(request, mail_rules())


@rules.post("", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(RuleShown, 404, 409, status=201))
def create_mail_rule(request: HttpRequest, response: HttpResponse, rule: NewRule) -> Status[Any]:
    """Make a rule of a mailbox. Mails that no rule fitted can be read again: `read_mail_again`."""
    mailbox = access_mailbox(rule.mailbox_id)
    given = _given({name: getattr(rule, name) for name in NewRule.model_fields if name != "mailbox_id"})
    made = actions.add_rule(mailbox=mailbox, **given)
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, show(response, rule_shown(access_mail_rule(str(made.public_id)))))


@rules.get("/{mail_rule_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(RuleShown, 404))
def get_mail_rule(request: HttpRequest, response: HttpResponse, mail_rule_id: Id) -> Any:
    """A rule of a mailbox."""
    return show(response, rule_shown(access_mail_rule(mail_rule_id)))


@rules.patch("/{mail_rule_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(RuleShown, 404, 409, 412))
def change_mail_rule(request: HttpRequest, response: HttpResponse, mail_rule_id: Id, change: RuleChange) -> Any:
    """Change a rule. It holds for mails that are read from now on."""
    rule = _locked_rule(request, mail_rule_id)
    said = {name: getattr(change, name) for name in change.model_fields_set}
    given = _given({n: value for n, value in said.items() if value is not None or n == "template_id"})
    if given:
        actions.change_rule(rule_id=rule.pk, **given)
    return show(response, rule_shown(access_mail_rule(mail_rule_id)))


@rules.delete("/{mail_rule_id}", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(None, 404, 412, status=204))
def remove_mail_rule(request: HttpRequest, mail_rule_id: Id) -> Status[None]:
    """Forget a rule. What it did stays."""
    actions.remove_rule(rule_id=_locked_rule(request, mail_rule_id).pk)
    return Status(204, None)


def _given(said: dict[str, Any]) -> dict[str, Any]:
    """What a request says of a rule, as the actions want it. Raises NotFound for a template that is not there."""
    given = dict(said)
    limits: RuleLimits | None = given.pop("limits", None)
    if given.get("template_id") is not None:
        given["template_id"] = access_template(given["template_id"]).pk
    for name in limits.model_fields_set if limits is not None else ():
        value = getattr(limits, name)
        given[f"limit_{name}"] = Amount.from_text(value) if name == "cost" and value is not None else value
    return given


def _show(response: HttpResponse, mailbox_id: str) -> MailboxShown:
    found = shown(with_feeds([access_mailbox(mailbox_id)])[0])
    response["ETag"] = etag(found)
    return found


def _locked(request: HttpRequest, mailbox_id: str) -> Mailbox:
    """The mailbox, held until the request ends, if it is still as the request has seen it."""
    lock_rows(Mailbox.objects.all(), [access_mailbox(mailbox_id).pk])
    mailbox = access_mailbox(mailbox_id)
    require_match(request, shown(with_feeds([mailbox])[0]))
    return mailbox


def _locked_rule(request: HttpRequest, mail_rule_id: str) -> MailRule:
    lock_rows(MailRule.objects.all(), [access_mail_rule(mail_rule_id).pk])
    rule = access_mail_rule(mail_rule_id)
    require_match(request, rule_shown(rule))
    return rule

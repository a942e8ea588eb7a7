"""Mails that vendors have sent: what hung on them, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.shapes import Body, Id, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.pricing import actions
from trunkline.pricing.choices import ReceivedMailState
from trunkline.pricing.mailbox.queries import access_mail, mails, sheets_of
from trunkline.pricing.mailbox.rules import FOR_PEOPLE
from trunkline.pricing.models import Mail, MailSheet

router = Router(tags=["mailboxes"])


class MailSheetShown(Body):
    """A file of a mail that was wanted, and the sheet that was made of it."""

    name: str
    state: ReceivedMailState
    detail: str
    sheet_id: UUID | None


class MailShown(Body):
    """A mail, once, and what became of it."""

    id: UUID
    mailbox_id: UUID
    mailbox: str
    message_id: str
    sender: str = Field(description="Who it claims to be from.")
    subject: str
    received_at: datetime = Field(description="When the mail server received it: notice counts from then.")
    effective_on: date | None = Field(description="The day from which prices hold, if the mail names one.")
    octets: int
    files: list[str]
    rule_id: UUID | None
    rule: str | None
    state: ReceivedMailState
    wants_person: bool
    detail: str
    seen_at: datetime
    settled_at: datetime | None
    sheets: list[MailSheetShown]


class MailReason(Body):
    """Why nothing is to be done."""

    reason: str = Field(default="", max_length=500)


def shown(mail: Mail, sheets: Sequence[MailSheet]) -> MailShown:
    """A mail as the API shows it."""
    own = (
        "message_id",
        "sender",
        "subject",
        "received_at",
        "effective_on",
        "octets",
        "detail",
        "seen_at",
        "settled_at",
    )
    return MailShown(
        **{name: getattr(mail, name) for name in own},
        id=mail.public_id,
        mailbox_id=mail.mailbox.public_id,
        mailbox=mail.mailbox.name,
        files=list(mail.files),
        rule_id=mail.rule and mail.rule.public_id,
        rule=mail.rule and mail.rule.name,
        state=ReceivedMailState(mail.state),
        wants_person=mail.state in FOR_PEOPLE,
        sheets=[
            MailSheetShown(
                name=each.name,
                state=ReceivedMailState(each.state),
                detail=each.detail,
                sheet_id=each.sheet and each.sheet.public_id,
            )
            for each in sheets
        ],
    )


def _page(rows: Sequence[Mail], _: Mapping[str, Any]) -> Iterable[MailShown]:
    sheets = sheets_of(rows)
    return (shown(each, sheets.get(each.pk, [])) for each in rows)


MAILS: Final = listing.Listing(
    schema=MailShown,
    page=_page,
    sorts={"received_at": "received_at", "seen_at": "seen_at"},
    default="-received_at",
    filters={
        "mailbox_id": listing.public_id("mailbox__public_id"),
        "rule_id": listing.public_id("rule__public_id"),
        "state": listing.choice("state", ReceivedMailState),
        "sender": listing.text("sender", prefix=True),
        "message_id": listing.text("message_id"),
        "received_at": listing.instant("received_at"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.TARIFFS_READ),
    response=answers(page_of(MailShown)),
    openapi_extra={"parameters": MAILS.parameters},
)
def list_mails(request: HttpRequest) -> JsonResponse:
    """List the mails, those that came last first: what hung on them, and what became of it."""
    return MAILS.answer(request, mails())


@router.get("/{mail_id}", auth=ApiKey(Permission.TARIFFS_READ), response=answers(MailShown, 404))
def get_mail(request: HttpRequest, response: HttpResponse, mail_id: Id) -> Any:
    """A mail, and what became of it."""
    return _show(response, mail_id)


@router.post("/{mail_id}/again", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(MailShown, 404, 409, 412))
def read_mail_again(request: HttpRequest, response: HttpResponse, mail_id: Id) -> Any:
    """Have a mail read once more at the next look, which is due at once, by the rules as they are now."""
    actions.try_mail_again(mail_id=_locked(request, mail_id).pk, at=now())
    return _show(response, mail_id)


@router.post("/{mail_id}/dismiss", auth=ApiKey(Permission.TARIFFS_WRITE), response=answers(MailShown, 404, 409, 412))
def dismiss_mail(request: HttpRequest, response: HttpResponse, mail_id: Id, given: MailReason) -> Any:
    """Set a mail aside: nothing is to be done."""
    actions.dismiss_mail(mail_id=_locked(request, mail_id).pk, reason=given.reason, at=now())
    return _show(response, mail_id)


def _shown(mail_id: str) -> MailShown:
    mail = access_mail(mail_id)
    return shown(mail, sheets_of([mail]).get(mail.pk, []))


def _show(response: HttpResponse, mail_id: str) -> Any:
    return show(response, _shown(mail_id))


def _locked(request: HttpRequest, mail_id: str) -> Mail:
    """The mail, held until the request ends, if it is still as the request has seen it."""
    (mail,) = lock_rows(Mail.objects.all(), [access_mail(mail_id).pk])
    require_match(request, _shown(mail_id))
    return mail

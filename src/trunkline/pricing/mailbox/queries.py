"""Reads of mailboxes, their rules and their mails. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from trunkline.core.errors import NotFound
from trunkline.kit.db.kept import Kept
from trunkline.kit.db.scope import current_tenant_id, scope
from trunkline.kit.models import find_public
from trunkline.kit.secrets import open_sealed
from trunkline.pricing.choices import ImportState
from trunkline.pricing.mailbox.rules import FOR_PEOPLE
from trunkline.pricing.models import Mail, Mailbox, MailboxFeed, MailRule, MailSheet, SheetImport
from trunkline.tenancy.queries import is_working
from trunkline.usage.sources.remote import Target


def mailboxes() -> QuerySet[Mailbox]:
    """Every mailbox, by name."""
    return Mailbox.objects.defer("password").order_by("name")


def get_mailbox(name: str) -> Mailbox:
    """The mailbox of that name. Raises NotFound `mailbox_not_found`."""
    found = Mailbox.objects.filter(name=name).first()
    if found is None:
        raise NotFound(
            "mailbox_not_found", f"There is no mailbox {name!r}.", hint="`trunkline mailbox list` shows them."
        )
    return found


def access_mailbox(public_id: str) -> Mailbox:
    """The mailbox of that public id. Raises NotFound `mailbox_not_found`."""
    found = find_public(Mailbox.objects.all(), public_id)
    if found is None:
        raise NotFound("mailbox_not_found", "There is no such mailbox.")
    return found


def rules_of(mailbox: Mailbox) -> QuerySet[MailRule]:
    """The rules of a mailbox in the order in which they are tried."""
    return mail_rules().filter(mailbox=mailbox)


def mail_rules() -> QuerySet[MailRule]:
    """Every rule, by mailbox and position."""
    return MailRule.objects.select_related("mailbox", "template").order_by("mailbox__name", "position", "pk")


def get_mail_rule(mailbox: Mailbox, name: str) -> MailRule | None:
    """The rule of that name, if there is one."""
    return rules_of(mailbox).filter(name=name).first()


def access_mail_rule(public_id: str) -> MailRule:
    """The rule of that public id. Raises NotFound `mail_rule_not_found`."""
    found = find_public(mail_rules(), public_id)
    if found is None:
        raise NotFound("mail_rule_not_found", "There is no such rule.")
    return found


def mails(mailbox: Mailbox | None = None) -> QuerySet[Mail]:
    """Mails, those that came last first; those of a mailbox."""
    found = Mail.objects.select_related("mailbox", "rule").order_by("-received_at", "-pk")
    return found if mailbox is None else found.filter(mailbox=mailbox)


def access_mail(public_id: str) -> Mail:
    """The mail of that public id. Raises NotFound `mail_not_found`."""
    found = find_public(mails(), public_id)
    if found is None:
        raise NotFound("mail_not_found", "There is no such mail.")
    return found


def sheets_of(found: Sequence[Mail]) -> dict[int, list[MailSheet]]:
    """The files of mails that were wanted, by the mail."""
    by_mail: dict[int, list[MailSheet]] = {}
    for each in MailSheet.objects.select_related("sheet").filter(mail__in=found).order_by("mail_id", "number"):
        by_mail.setdefault(each.mail_id, []).append(each)
    return by_mail


@dataclass(frozen=True, slots=True)
class Shown:
    """A mailbox with how it is doing."""

    mailbox: Mailbox
    feed: MailboxFeed


def with_feeds(found: Sequence[Mailbox]) -> list[Shown]:
    """Mailboxes with how each is doing."""
    feeds = {feed.mailbox_id: feed for feed in MailboxFeed.objects.filter(mailbox__in=found)}
    return [Shown(mailbox, feeds[mailbox.pk]) for mailbox in found]


def is_to_look(tenant_id: int, mailbox_id: int, at: datetime) -> bool:
    """Whether a mailbox is there and not paused, and the tenant takes new things; opens a scope of its own."""
    with scope(tenant_id, "system"):
        return is_working(at) and Mailbox.objects.filter(pk=mailbox_id, is_active=True).exists()


def find_twin(tariff_id: int, sha256: str, but: UUID) -> SheetImport | None:
    """A sheet of the same octets for that tariff that waits or is applied, other than that of this id."""
    same = SheetImport.objects.filter(tariff_id=tariff_id, sha256=sha256).exclude(public_id=but)
    return same.exclude(state__in=(ImportState.UNDONE, ImportState.DISCARDED)).order_by("-pk").first()


def lines_before(template_id: int) -> int | None:
    """How many lines the last sheet had that was applied by a template; None for none."""
    last = (
        SheetImport.objects.filter(template_id=template_id, state=ImportState.APPLIED).order_by("-applied_at").first()
    )
    return None if last is None else int(last.counts["lines"])


def waiting() -> QuerySet[Mail]:
    """Mails that want a person, all of them."""
    return Mail.objects.select_related("mailbox", "rule").filter(state__in=[str(state) for state in FOR_PEOPLE])


def waiting_mails() -> list[Mail]:
    """Mails that want a person, the latest first; a few of them."""
    return _WAITING.rows()


def failing_mailboxes() -> list[MailboxFeed]:
    """Mailboxes that cannot be read now."""
    return _FAILING.rows()


_WAITING = Kept(lambda: waiting().order_by("-received_at", "-pk")[:20])
_FAILING = Kept(
    lambda: MailboxFeed.objects.select_related("mailbox").filter(failures__gt=2, mailbox__is_active=True).order_by("pk")
)


def target_of(mailbox: Mailbox) -> Target:
    """What is needed to read a mailbox, the password opened. Raises as `kit.secrets.open_sealed` does."""
    return Target(
        host=mailbox.host,
        port=mailbox.port,
        login=mailbox.login,
        path=mailbox.folder,
        password=open_sealed(mailbox.password, tenant_id=current_tenant_id(), purpose=purpose(mailbox)),
        pin=mailbox.pin,
    )


def purpose(mailbox: Mailbox) -> str:
    """What the password of this row is sealed for."""
    return f"pricing.mailbox:{mailbox.public_id}:password"

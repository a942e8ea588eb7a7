"""Writes of mailboxes and their rules: what people say about them. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Max

from trunkline.core.errors import Conflict, Invalid
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.db.scope import current_tenant_id
from trunkline.kit.reach import require_reachable
from trunkline.kit.secrets import Secret, is_stale, open_sealed, seal
from trunkline.pricing.choices import RuleAction
from trunkline.pricing.mailbox.queries import purpose
from trunkline.pricing.mailbox.rules import PERCENT, require_pattern
from trunkline.pricing.models import Mail, Mailbox, MailboxFeed, MailRule, MailSheet
from trunkline.pricing.models.mailboxes import NAME_MAX
from trunkline.usage.sources.choices import SourceKind
from trunkline.usage.sources.rules import normal_pin

LOOKED_BACK: Final = timedelta(days=7)
PORT_MAX: Final = 65_535
MINUTES_MAX: Final = 7 * 24 * 60
SENDERS_MAX: Final = 200
CHANGEABLE: Final = frozenset({"host", "port", "login", "pin", "folder", "every_min", "taken_from"})
OF_RULE: Final = frozenset({
    "name", "position", "senders", "subject", "attachment", "action", "template_id", "applies_itself", "limit_cost", "limit_increases", "limit_closed",
    "limit_drop",
})  # fmt: skip


def add_mailbox(
    *,
    name: str,
    host: str,
    login: str,
    password: Secret,
    at: datetime,
    port: int = 993,
    pin: str = "",
    folder: str = "INBOX",
    every_min: int = 5,
    taken_from: datetime | None = None,
) -> Mailbox:
    """Make a mailbox; its first look is due at once. Mails of the last week are taken too, unless `taken_from` says otherwise.

    Raises Invalid `bad_name`, `mailbox_address`, `mailbox_login`, `mailbox_folder`, `mailbox_schedule`, `source_pin`; Conflict `mailbox_exists`.
    """
    mailbox = Mailbox(
        name=_named(name), host=host.strip(), port=port, login=login, pin=pin, folder=folder or "INBOX", every_min=every_min,
        taken_from=taken_from or at - LOOKED_BACK,
    )  # fmt: skip
    _require_sound(mailbox)
    _seal(mailbox, password, at)
    try:
        with transaction.atomic():
            mailbox.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("mailbox_exists", f"There is a mailbox {mailbox.name!r} already.") from error
    MailboxFeed.objects.create(mailbox=mailbox, next_at=at)
    return mailbox


def change_mailbox(*, mailbox_id: int, at: datetime, password: Secret | None = None, **changes: Any) -> Mailbox:
    """Change what is given (`CHANGEABLE`, the password); the name stays. The next look is due at once. Another address must be trusted anew.

    Raises as `add_mailbox` does, and NotFound `not_found`.
    """
    if unknown := set(changes) - CHANGEABLE:
        raise TypeError(f"a mailbox has no {sorted(unknown)} to change")
    (mailbox,) = lock_rows(Mailbox.objects.all(), [mailbox_id])
    moved = any(name in changes and changes[name] != getattr(mailbox, name) for name in ("host", "port"))
    elsewhere = moved or any(n in changes and changes[n] != getattr(mailbox, n) for n in ("login", "folder"))
    if moved and "pin" not in changes:
        changes["pin"] = ""
    is_earlier = "taken_from" in changes and changes["taken_from"] < mailbox.taken_from
    for name, value in changes.items():
        setattr(mailbox, name, value)
    _require_sound(mailbox)
    if password:
        _seal(mailbox, password, at)
    mailbox.save()
    begun = {"validity": "", "last_uid": 0} if elsewhere or is_earlier else {}
    MailboxFeed.objects.filter(mailbox=mailbox).update(next_at=at, **begun)
    return mailbox


def pause_mailbox(*, mailbox_id: int) -> Mailbox:
    """No look is made until it is resumed."""
    (mailbox,) = lock_rows(Mailbox.objects.all(), [mailbox_id])
    mailbox.is_active = False
    mailbox.save(update_fields=["is_active"])
    return mailbox


def resume_mailbox(*, mailbox_id: int, at: datetime) -> Mailbox:
    """The next look is due at once; what came meanwhile is taken."""
    (mailbox,) = lock_rows(Mailbox.objects.all(), [mailbox_id])
    mailbox.is_active = True
    mailbox.save(update_fields=["is_active"])
    MailboxFeed.objects.filter(mailbox=mailbox).update(next_at=at, failures=0)
    return mailbox


def remove_mailbox(*, mailbox_id: int) -> None:
    """Forget a mailbox, its password, its rules and its mails. Sheets that came by it stay, and so do the mails on the server."""
    (mailbox,) = lock_rows(Mailbox.objects.all(), [mailbox_id])
    MailSheet.objects.filter(mail__mailbox=mailbox).delete()
    for model in (Mail, MailRule, MailboxFeed):
        model.objects.filter(mailbox=mailbox).delete()
    mailbox.delete()


def reseal_mailboxes() -> int:
    """Seal every password of the tenant that is under an older key under the newest one; how many. Raises as `open_sealed` does."""
    resealed = 0
    for mailbox in lock_rows(Mailbox.objects.all(), Mailbox.objects.values_list("pk", flat=True)):
        if is_stale(mailbox.password):
            plain = open_sealed(mailbox.password, tenant_id=current_tenant_id(), purpose=purpose(mailbox))
            mailbox.password = seal(plain, tenant_id=current_tenant_id(), purpose=purpose(mailbox))
            mailbox.save(update_fields=["password"])
            resealed += 1
    return resealed


def add_rule(*, mailbox: Mailbox, name: str, senders: Iterable[str], **given: Any) -> MailRule:
    """Make a rule of a mailbox (`OF_RULE`), behind the others unless `position` says where. It holds for mails that are read from now on.

    Raises Invalid `bad_name`, `rule_senders`, `bad_subject`, `rule_attachment`, `rule_template`, `rule_limits`; Conflict `exists`.
    """
    last = MailRule.objects.filter(mailbox=mailbox).aggregate(last=Max("position"))["last"] or 0
    rule = MailRule(mailbox=mailbox, position=given.pop("position", None) or last + 10)
    return _save(rule, {"name": name, "senders": senders, **given})


def change_rule(*, rule_id: int, **changes: Any) -> MailRule:
    """Change what is given of a rule. Raises as `add_rule` does, and NotFound `not_found`."""
    (rule,) = lock_rows(MailRule.objects.all(), [rule_id])
    return _save(rule, changes)


def remove_rule(*, rule_id: int) -> None:
    """Forget a rule. What it did stays."""
    (rule,) = lock_rows(MailRule.objects.all(), [rule_id])
    Mail.objects.filter(rule=rule).update(rule=None)
    rule.delete()


def _save(rule: MailRule, given: dict[str, Any]) -> MailRule:
    if unknown := set(given) - OF_RULE:
        raise TypeError(f"a rule has no {sorted(unknown)}")
    for name, value in given.items():
        setattr(rule, name, value)
    rule.name = _named(rule.name)
    rule.senders = _senders(rule.senders)
    require_pattern(rule.subject)
    if not rule.attachment or "/" in rule.attachment or len(rule.attachment) > 100 or not rule.attachment.isprintable():
        raise Invalid("rule_attachment", f"{rule.attachment!r} is no pattern of file names.", hint="Such as *.xlsx.")
    if rule.action == RuleAction.COMPARE and rule.template_id is None:
        raise Invalid("rule_template", "The rule needs a template: it says tariff and layout.", hint="Name one.")
    if rule.action == RuleAction.IGNORE and (rule.template_id is not None or rule.applies_itself):
        raise Invalid("rule_template", "A rule that ignores mails has no template and applies nothing.")
    if rule.applies_itself and rule.limit_cost is None:
        raise Invalid(
            "rule_limits",
            "A rule that applies sheets by itself needs a limit of what they may cost more a month.",
            hint="0 lets through only what costs no more.",
        )
    for name in ("limit_increases", "limit_drop"):
        share = getattr(rule, name)
        if share is not None and not 0 <= share <= PERCENT:
            raise Invalid("rule_limits", f"A limit in percent is 0 to 100, not {share}.")
    if rule.limit_closed is not None and rule.limit_closed < 0:
        raise Invalid("rule_limits", f"{rule.limit_closed} codes cannot close.")
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as error:
        raise Conflict("exists", f"The mailbox has a rule {rule.name!r} already.") from error
    return rule


def _senders(given: Iterable[str]) -> list[str]:
    senders = [each.strip().lower() for each in given if each.strip()]
    sound = (
        each == "*" or ("@" in each and each.isprintable() and " " not in each and len(each) <= 320) for each in senders
    )
    if not senders or len(senders) > SENDERS_MAX or not all(sound):
        raise Invalid(
            "rule_senders",
            "It must be said whose mails the rule is for.",
            hint="rates@vendor.example, @vendor.example for all of a domain, or * for everybody.",
        )
    return senders


def _named(name: str) -> str:
    found = name.strip()
    if not 0 < len(found) <= NAME_MAX or not found.isprintable():
        raise Invalid("bad_name", f"A name has 1 to {NAME_MAX} printable characters.")
    return found


def _require_sound(mailbox: Mailbox) -> None:
    if not mailbox.host or not mailbox.host.isprintable() or any(sign in mailbox.host for sign in " /@"):
        raise Invalid(
            "mailbox_address", f"{mailbox.host!r} is no host.", hint="A name alone, such as imap.example.net."
        )
    require_reachable(mailbox.host)
    if not 0 < mailbox.port <= PORT_MAX:
        raise Invalid("mailbox_address", f"{mailbox.port} is no port.")
    if not mailbox.login or not mailbox.login.isprintable():
        raise Invalid("mailbox_login", f"{mailbox.login!r} is no user.")
    if not mailbox.folder or not mailbox.folder.isprintable() or len(mailbox.folder) > 500:
        raise Invalid("mailbox_folder", f"{mailbox.folder!r} is no folder.", hint="INBOX as a rule.")
    if not 0 < mailbox.every_min <= MINUTES_MAX:
        raise Invalid("mailbox_schedule", "It is looked into every 1 to 10,080 minutes.")
    mailbox.pin = normal_pin(SourceKind.IMAP, mailbox.pin)


def _seal(mailbox: Mailbox, password: Secret, at: datetime) -> None:
    if not password:
        raise Invalid("mailbox_login", "A password is missing.")
    mailbox.password = seal(password, tenant_id=current_tenant_id(), purpose=purpose(mailbox))
    mailbox.secrets_changed_at = at

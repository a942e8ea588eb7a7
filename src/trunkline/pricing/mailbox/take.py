"""One mail on its way to prices: the rule that fits it, its files read and compared, and applied where the rule lets that happen (docs/algorithms/mail-to-sheet.md).

Everything here may be done twice: what a crash cut off is done again with the same ids, so that each file becomes one sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from trunkline.core.errors import Invalid, TrunklineError
from trunkline.kit.db.scope import scope
from trunkline.kit.faults import reached
from trunkline.pricing.actions.imports import Asked, apply_import, import_sheet
from trunkline.pricing.actions.mails import close_mail, plan_sheets, settle_mail, settle_sheet
from trunkline.pricing.choices import ImportState, MailState, RuleAction
from trunkline.pricing.compare import Scope
from trunkline.pricing.intake import reader_of
from trunkline.pricing.mailbox import rules
from trunkline.pricing.mailbox.message import Attachment, Message
from trunkline.pricing.mailbox.queries import find_twin, lines_before, rules_of
from trunkline.pricing.models import Mail, MailRule, MailSheet, SheetImport, SheetTemplate
from trunkline.pricing.sheets.layout import from_json

ACTOR: Final = "system"
Clock = Callable[[], datetime]


def take_mail(tenant_id: int, mail: Mail, message: Message, *, now: Clock) -> None:
    """Take a mail that is new to its end: afterwards it has a state, and each file that its rule wants is a sheet or says why not."""
    with scope(tenant_id, ACTOR):
        rule = next(
            (each for each in rules_of(mail.mailbox) if rules.fits(each, message.sender, message.subject)), None
        )
        files = rules.wanted(rule, message.files) if rule is not None else []
        at_once = _without_files(rule, message, files)
        if at_once is not None:
            state, detail = at_once
            settle_mail(mail, state, detail=detail, rule_id=None if rule is None else rule.pk, at=now())
            return
        assert rule is not None  # noqa: S101 - without one nothing is wanted
        Mail.objects.filter(pk=mail.pk).update(rule=rule)
        planned = plan_sheets(mail, files)
    reached("mail_planned")
    for file, row in zip(files, planned, strict=True):
        if row.state == MailState.NEW:
            _File(tenant_id, mail, rule, file, row, now).take()
    with scope(tenant_id, ACTOR):
        close_mail(mail, at=now())


def _without_files(rule: MailRule | None, message: Message, files: list[Attachment]) -> tuple[MailState, str] | None:
    """State and detail of a mail of which no file is taken; None where some are."""
    if rule is None:
        return MailState.NO_RULE, "No rule of the mailbox is for this sender and subject."
    if rule.action == RuleAction.IGNORE:
        return MailState.IGNORED, f"The rule {rule.name} ignores it."
    if files:
        return None
    if message.files:
        names = ", ".join(each.name for each in message.files[:5])
        return MailState.NO_ATTACHMENT, f"Nothing that hangs on it is called {rule.attachment}: {names}."
    return MailState.NO_ATTACHMENT, "Nothing hangs on it."


class _File:
    """One file of a mail, which its rule wants."""

    def __init__(
        self, tenant_id: int, mail: Mail, rule: MailRule, file: Attachment, planned: MailSheet, now: Clock
    ) -> None:
        self.tenant_id, self.mail, self.rule, self.file, self.planned, self.now = (
            tenant_id,
            mail,
            rule,
            file,
            planned,
            now,
        )

    def take(self) -> None:
        with scope(self.tenant_id, ACTOR):
            template = SheetTemplate.objects.get(pk=self.rule.template_id or 0)
            sheet = SheetImport.objects.filter(public_id=self.planned.import_id).first()
            twin = None if sheet else find_twin(template.tariff_id, self.file.sha256, self.planned.import_id)
            if twin is not None:
                said = f"The same file is {twin.get_state_display()} since {twin.created_at:%Y-%m-%d %H:%M}."
                settle_sheet(self.planned, MailState.DUPLICATE, detail=said)
                return
        if sheet is None:
            try:
                sheet = self._compare(template)
            except Invalid as error:
                with scope(self.tenant_id, ACTOR):
                    settle_sheet(self.planned, rules.state_of_error(error.code), detail=error.for_screens)
                return
            reached("mail_compared")
        self._judge(sheet, template)

    def _compare(self, template: SheetTemplate) -> SheetImport:
        received_at = min(self.mail.received_at, self.now())
        kept = from_json(template.layout) if template.layout else None
        asked = Asked(template.tariff_id, Scope(template.scope), template.pk, template.agreement_id)
        read = reader_of(
            self.file.content, self.file.name, received_at=received_at, effective_on=self.mail.effective_on, subject=self.mail.subject, template=kept
        )  # fmt: skip
        return import_sheet(
            self.tenant_id, data=self.file.content, file_name=self.file.name, read=read, asked=asked, notified_at=received_at, actor=ACTOR, now=self.now,
            public_id=self.planned.import_id, subject=self.mail.subject,
        )  # fmt: skip

    def _judge(self, sheet: SheetImport, template: SheetTemplate) -> None:
        """Say what the sheet waits for; apply it where the rule allows that."""
        with scope(self.tenant_id, ACTOR):
            if sheet.state != ImportState.COMPARED:  # it was applied before a crash, or a person was quicker
                settle_sheet(self.planned, rules.OF_SHEET.get(sheet.state, MailState.WAITING), sheet=sheet)
                return
            state, detail = rules.state_of_findings(sheet.findings)
            applies = False
            if state == MailState.WAITING and self.rule.applies_itself:
                why = rules.beyond(_limits(self.rule), sheet.counts, sheet.findings, lines_before(template.pk))
                applies, detail = not why, "; ".join(why)
            # Until it is applied it stays new, so that a crash does not leave it to a person.
            settle_sheet(self.planned, MailState.NEW if applies else state, detail=detail, sheet=sheet)
        if applies:
            self._apply(sheet)

    def _apply(self, sheet: SheetImport) -> None:
        reason = f"by the rule {self.rule.name}: within its limits"
        try:
            apply_import(self.tenant_id, sheet.pk, reason=reason, actor=ACTOR, now=self.now)
        except TrunklineError as error:
            if not error.code.startswith(("tariff_changed", "not_compared", "stopped_by_checks", "lock")):
                raise
            with scope(self.tenant_id, ACTOR):
                settle_sheet(self.planned, MailState.WAITING, detail=error.for_screens, sheet=sheet)
        reached("mail_applied")


def _limits(rule: MailRule) -> rules.Limits:
    return rules.Limits(rule.limit_cost, rule.limit_increases, rule.limit_closed, rule.limit_drop)

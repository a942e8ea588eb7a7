"""Every model of the pricing room."""

from trunkline.pricing.models.imports import Agreement, SheetImport, SheetTemplate
from trunkline.pricing.models.mailboxes import Mail, Mailbox, MailboxFeed, MailRule, MailSheet

__all__ = ["Agreement", "Mail", "MailRule", "MailSheet", "Mailbox", "MailboxFeed", "SheetImport", "SheetTemplate"]

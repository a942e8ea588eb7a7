"""Every model of the pricing room."""

from trunkline.pricing.models.deals import Deal, DealAlarm, DealItem
from trunkline.pricing.models.decks import DeckChange
from trunkline.pricing.models.edits import TariffEdit
from trunkline.pricing.models.generator import Generator, GeneratorRun, GeneratorSource
from trunkline.pricing.models.imports import Agreement, SheetImport, SheetTemplate
from trunkline.pricing.models.mailboxes import Mail, Mailbox, MailboxFeed, MailRule, MailSheet
from trunkline.pricing.models.notifications import (
    Notification,
    NotificationMail,
    NotificationPlan,
    NotificationTemplate,
)
from trunkline.pricing.models.reminders import SheetReminder, SheetReminderOff

__all__ = [
    "Agreement",
    "Deal",
    "DealAlarm",
    "DealItem",
    "DeckChange",
    "Generator",
    "GeneratorRun",
    "GeneratorSource",
    "Mail",
    "MailRule",
    "MailSheet",
    "Mailbox",
    "MailboxFeed",
    "Notification",
    "NotificationMail",
    "NotificationPlan",
    "NotificationTemplate",
    "SheetImport",
    "SheetReminder",
    "SheetReminderOff",
    "SheetTemplate",
    "TariffEdit",
]

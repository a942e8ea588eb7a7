"""Every write of the pricing room."""

from trunkline.pricing.actions.imports import Asked, apply_import, discard_import, import_sheet, undo_import
from trunkline.pricing.actions.mailboxes import (
    add_mailbox,
    add_rule,
    change_mailbox,
    change_rule,
    pause_mailbox,
    remove_mailbox,
    remove_rule,
    resume_mailbox,
)
from trunkline.pricing.actions.mails import dismiss_mail, try_mail_again
from trunkline.pricing.actions.terms import (
    change_agreement,
    change_template,
    create_agreement,
    create_template,
    save_template,
)

__all__ = [
    "Asked",
    "add_mailbox",
    "add_rule",
    "apply_import",
    "change_agreement",
    "change_mailbox",
    "change_rule",
    "change_template",
    "create_agreement",
    "create_template",
    "discard_import",
    "dismiss_mail",
    "import_sheet",
    "pause_mailbox",
    "remove_mailbox",
    "remove_rule",
    "resume_mailbox",
    "save_template",
    "try_mail_again",
    "undo_import",
]

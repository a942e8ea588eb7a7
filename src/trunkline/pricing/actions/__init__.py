"""Every write of the pricing room."""

from trunkline.pricing.actions.deals import (
    add_item,
    archive_deal,
    change_deal,
    change_item,
    create_deal,
    make_item,
    put_items,
    remove_item,
    restore_deal,
)
from trunkline.pricing.actions.decks import (
    apply_deck_change,
    change_deck_codes,
    compare_world,
    discard_deck_change,
    import_deck,
    undo_deck_change,
)
from trunkline.pricing.actions.generator import ask_run, change_generator, create_generator, make_run
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
from trunkline.pricing.actions.notification_plans import change_plan, plan_notifications, save_notification_template
from trunkline.pricing.actions.terms import (
    change_agreement,
    change_template,
    create_agreement,
    create_template,
    save_template,
)

__all__ = [
    "Asked",
    "add_item",
    "add_mailbox",
    "add_rule",
    "apply_deck_change",
    "apply_import",
    "archive_deal",
    "ask_run",
    "change_agreement",
    "change_deal",
    "change_deck_codes",
    "change_generator",
    "change_item",
    "change_mailbox",
    "change_plan",
    "change_rule",
    "change_template",
    "compare_world",
    "create_agreement",
    "create_deal",
    "create_generator",
    "create_template",
    "discard_deck_change",
    "discard_import",
    "dismiss_mail",
    "import_deck",
    "import_sheet",
    "make_item",
    "make_run",
    "pause_mailbox",
    "plan_notifications",
    "put_items",
    "remove_item",
    "remove_mailbox",
    "remove_rule",
    "restore_deal",
    "resume_mailbox",
    "save_notification_template",
    "save_template",
    "try_mail_again",
    "undo_deck_change",
    "undo_import",
]

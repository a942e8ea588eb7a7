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
from trunkline.pricing.actions.notification_plans import change_plan, plan_notifications, save_notification_template
from trunkline.pricing.actions.terms import change_agreement, create_agreement, save_template

__all__ = [
    "Asked",
    "add_item",
    "apply_deck_change",
    "apply_import",
    "archive_deal",
    "ask_run",
    "change_agreement",
    "change_deal",
    "change_deck_codes",
    "change_generator",
    "change_item",
    "change_plan",
    "compare_world",
    "create_agreement",
    "create_deal",
    "create_generator",
    "discard_deck_change",
    "discard_import",
    "import_deck",
    "import_sheet",
    "make_item",
    "make_run",
    "plan_notifications",
    "put_items",
    "remove_item",
    "restore_deal",
    "save_notification_template",
    "save_template",
    "undo_deck_change",
    "undo_import",
]

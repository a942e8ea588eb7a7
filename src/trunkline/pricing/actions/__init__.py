"""Every write of the pricing room."""

from trunkline.pricing.actions.decks import (
    apply_deck_change,
    change_deck_codes,
    compare_world,
    discard_deck_change,
    import_deck,
    undo_deck_change,
)
from trunkline.pricing.actions.imports import Asked, apply_import, discard_import, import_sheet, undo_import
from trunkline.pricing.actions.terms import change_agreement, create_agreement, save_template

__all__ = [
    "Asked",
    "apply_deck_change",
    "apply_import",
    "change_agreement",
    "change_deck_codes",
    "compare_world",
    "create_agreement",
    "discard_deck_change",
    "discard_import",
    "import_deck",
    "import_sheet",
    "save_template",
    "undo_deck_change",
    "undo_import",
]

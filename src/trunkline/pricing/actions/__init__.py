"""Every write of the pricing room."""

from trunkline.pricing.actions.generator import ask_run, change_generator, create_generator, make_run
from trunkline.pricing.actions.imports import Asked, apply_import, discard_import, import_sheet, undo_import
from trunkline.pricing.actions.terms import change_agreement, create_agreement, save_template

__all__ = [
    "Asked",
    "apply_import",
    "ask_run",
    "change_agreement",
    "change_generator",
    "create_agreement",
    "create_generator",
    "discard_import",
    "import_sheet",
    "make_run",
    "save_template",
    "undo_import",
]

"""Every write of the pricing room."""

from trunkline.pricing.actions.imports import Asked, apply_import, discard_import, import_sheet, undo_import
from trunkline.pricing.actions.terms import (
    change_agreement,
    change_template,
    create_agreement,
    create_template,
    save_template,
)

__all__ = [
    "Asked",
    "apply_import",
    "change_agreement",
    "change_template",
    "create_agreement",
    "create_template",
    "discard_import",
    "import_sheet",
    "save_template",
    "undo_import",
]

"""Every write of the pricing room."""

from trunkline.pricing.actions.edits import EditDone, EditLook, edit, look_at_edit
from trunkline.pricing.actions.imports import Asked, apply_import, discard_import, import_sheet, undo_import
from trunkline.pricing.actions.steps import (
    PACKED_AT_ONCE_OCTETS,
    ask_for,
    change_scope,
    compare_import,
    correct_layout,
    is_large,
    is_worked_on,
    keep_layout,
    read_import,
    receive_sheet,
    require_idle,
)
from trunkline.pricing.actions.terms import change_agreement, create_agreement, save_template

__all__ = [
    "PACKED_AT_ONCE_OCTETS",
    "Asked",
    "EditDone",
    "EditLook",
    "apply_import",
    "ask_for",
    "change_agreement",
    "change_scope",
    "compare_import",
    "correct_layout",
    "create_agreement",
    "discard_import",
    "edit",
    "import_sheet",
    "is_large",
    "is_worked_on",
    "keep_layout",
    "look_at_edit",
    "read_import",
    "receive_sheet",
    "require_idle",
    "save_template",
    "undo_import",
]

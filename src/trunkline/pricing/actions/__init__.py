"""Every write of the pricing room."""

from trunkline.pricing.actions.imports import Asked, apply_import, discard_import, import_sheet, undo_import
from trunkline.pricing.actions.notification_plans import change_plan, plan_notifications, save_notification_template
from trunkline.pricing.actions.terms import change_agreement, create_agreement, save_template

__all__ = [
    "Asked",
    "apply_import",
    "change_agreement",
    "change_plan",
    "create_agreement",
    "discard_import",
    "import_sheet",
    "plan_notifications",
    "save_notification_template",
    "save_template",
    "undo_import",
]

"""Every model of the pricing room."""

from trunkline.pricing.models.imports import Agreement, SheetImport, SheetTemplate
from trunkline.pricing.models.notifications import (
    Notification,
    NotificationMail,
    NotificationPlan,
    NotificationTemplate,
)

__all__ = [
    "Agreement",
    "Notification",
    "NotificationMail",
    "NotificationPlan",
    "NotificationTemplate",
    "SheetImport",
    "SheetTemplate",
]

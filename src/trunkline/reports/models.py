"""Questions that are kept."""

from __future__ import annotations

from django.db import models
from django.db.models import UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import TenantModel


@track()
class SavedReport(TenantModel):
    """A report that is asked again and again, by the name that people gave it. Its figures are made anew each time."""

    name = models.CharField(max_length=120)
    asked = models.JSONField(help_text="Options of the report as people write them, by name; see `parse_question`.")

    class Meta:
        constraints = (UniqueConstraint(fields=["tenant", "name"], name="reports_savedreport_name"),)

    def __str__(self) -> str:
        return self.name

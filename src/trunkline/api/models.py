"""What the API keeps of its own: the answers to requests that may be sent again."""

from __future__ import annotations

from django.db import models
from django.db.models import UniqueConstraint

from trunkline.kit.models import TenantModel


class KeptAnswer(TenantModel):
    """The answer to a request that carried an idempotency key, given again to whoever sends the same request with the same key."""

    credential = models.CharField(max_length=80, help_text="Who asked, as in the history.")
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=8)
    path = models.TextField(help_text="With its query.")
    body_hash = models.CharField(max_length=64, help_text="SHA-256 of the body.")
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=100)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (UniqueConstraint(fields=["tenant", "credential", "key"], name="api_keptanswer_key"),)
        indexes = (models.Index(fields=["tenant", "created_at"], name="api_keptanswer_created_at"),)

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"

"""The operators that one installation serves."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, ScopedModel, TenantManager
from trunkline.tenancy.choices import TenantStatus


@track(exclude=["dismissed_steps"])
class Tenant(ScopedModel):
    """An operator with its own customers, vendors, prices and books, whom no other operator can see.

    Its row is confined like all others: inside a scope one sees one's own tenant and no other.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = PublicIdField(unique=True)
    slug = models.SlugField(max_length=60, unique=True, help_text="Short name for commands and addresses.")
    name = models.CharField(max_length=200, unique=True, help_text="Name on screens and reports.")
    currency = models.CharField(max_length=3, help_text="Currency of margins and of the tenant's own books.")
    timezone = models.CharField(max_length=64, default="UTC", help_text="IANA zone of reports.")
    status = models.CharField(max_length=12, choices=TenantStatus.choices, default=TenantStatus.ACTIVE)
    created_at = models.DateTimeField()
    trial_ends_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="End of the trial of who signed up; empty: no trial."
    )

    dismissed_steps = ArrayField(
        models.CharField(max_length=20),
        default=list,
        blank=True,
        editable=False,
        help_text="First steps that are not shown any more.",
    )

    objects = TenantManager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name

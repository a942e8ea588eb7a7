"""The operators that one installation serves."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, ScopedModel, TenantManager, TenantModel
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

    quota_octets = models.BigIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="How much it may store; empty: what the installation says, 0: without a limit.",
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
        constraints = (
            models.CheckConstraint(
                condition=Q(quota_octets=None) | Q(quota_octets__gte=0), name="tenancy_tenant_quota_octets"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Stored(TenantModel):
    """Octets of an operator in one folder of the data folder: what was counted there, or has come in since. `tenancy.storage` adds them up."""

    folder = models.CharField(max_length=40, help_text="Such as usage, spool, pricing, documents.")
    octets = models.BigIntegerField()
    at = models.DateTimeField()
    is_count = models.BooleanField(default=False, help_text="Of all files there, not of what has come in.")

    class Meta:
        indexes = (models.Index(fields=["tenant"], name="tenancy_stored_tenant"),)

    def __str__(self) -> str:
        return f"{self.folder}: {self.octets}"

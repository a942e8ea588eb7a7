"""Edits of many rates of a tariff: looked at first, applied then."""

from __future__ import annotations

from django.db import models
from django.db.models import UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.pricing.choices import ImportWork


@track()
class TariffEdit(TenantModel):
    """One edit of many rates of a tariff: which, what is changed of them, what that would do (docs/algorithms/rate-edits.md).

    Once it is applied it has a rate sheet, which lies in the same folder (`files`) and is undone as one. `chosen` and `change` are those of
    `rate_edits`; `counts` has what becomes of the chosen rates, and the new ones by kind of change.
    """

    public_id = PublicIdField()
    tariff = tenant_reference("tariffs.Tariff")
    agreement = tenant_reference("pricing.Agreement", null=True)
    sheet = tenant_reference("pricing.SheetImport", null=True)
    chosen = models.JSONField(default=dict, help_text="Which rates.")
    change = models.JSONField(default=dict, help_text="What is changed of them.")
    revision = models.PositiveIntegerField(default=0, help_text="Revision of the tariff that was looked at.")
    counts = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    breaches = models.JSONField(
        default=dict, help_text="Of each kind how many begin sooner than the agreement allows, and when they may."
    )
    samples = models.JSONField(default=list, help_text="Some of the rates before and after.")
    asked_by = models.CharField(max_length=100, blank=True, default="", help_text="Who has asked for it.")
    looked_at = models.DateTimeField(editable=False)
    discarded_at = models.DateTimeField(null=True, help_text="When somebody has said no to it.")
    reason = models.CharField(max_length=500, blank=True, default="", help_text="Why it was made, or discarded.")
    work = models.CharField(
        max_length=12,
        choices=ImportWork.choices,
        blank=True,
        default=ImportWork.NONE,
        help_text="What a worker is at with it.",
    )
    problem = models.JSONField(null=True, help_text="What was in the way of the last step: code, message, hint.")

    class Meta:
        verbose_name = "rate edit"
        constraints = (
            tenant_key("pricing_tariffedit_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_tariffedit_public_id"),
            UniqueConstraint(fields=["tenant", "sheet"], name="pricing_tariffedit_sheet"),
            TenantForeignKey(field="tariff", name="pricing_tariffedit_tariff_fk"),
            TenantForeignKey(field="agreement", name="pricing_tariffedit_agreement_fk"),
            TenantForeignKey(field="sheet", name="pricing_tariffedit_sheet_fk"),
        )
        indexes = (models.Index(fields=["tenant", "tariff", "looked_at"], name="pricing_tariffedit_tariff"),)

    def __str__(self) -> str:
        return f"{self.tariff} {self.looked_at:%Y-%m-%d %H:%M}"

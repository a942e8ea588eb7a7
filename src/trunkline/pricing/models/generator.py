"""What makes selling prices from vendors' prices, and every time that it was run."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.pricing.choices import RunState


@track()
class Generator(TenantModel):
    """How the prices of one of our tariffs are made from those of vendors (docs/algorithms/rate-generator.md).

    `settings` has method, margins, floors, rounding and exclusions in the form of `generator.settings`.
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=120, help_text="What the generator is called, as the product it prices.")
    tariff = tenant_reference("tariffs.Tariff")
    deck = tenant_reference("tariffs.CodeDeck")
    agreement = tenant_reference("pricing.Agreement", null=True)
    settings = models.JSONField(default=dict, help_text="Method, margins, floors, rounding, exclusions.")
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = (
            tenant_key("pricing_generator_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_generator_public_id"),
            UniqueConstraint(fields=["tenant", "name"], name="pricing_generator_name"),
            TenantForeignKey(field="tariff", name="pricing_generator_tariff_fk"),
            TenantForeignKey(field="deck", name="pricing_generator_deck_fk"),
            TenantForeignKey(field="agreement", name="pricing_generator_agreement_fk"),
        )

    def __str__(self) -> str:
        return self.name


class GeneratorSource(TenantModel):
    """A vendor's tariff that a generator takes prices from; of equal prices that of the lower position comes first."""

    generator = tenant_reference("pricing.Generator", related_name="sources")
    position = models.PositiveSmallIntegerField()
    tariff = tenant_reference("tariffs.Tariff")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "generator", "position"], name="pricing_generatorsource_position"),
            UniqueConstraint(fields=["tenant", "generator", "tariff"], name="pricing_generatorsource_once"),
            TenantForeignKey(field="generator", name="pricing_generatorsource_generator_fk"),
            TenantForeignKey(field="tariff", name="pricing_generatorsource_tariff_fk"),
        )

    def __str__(self) -> str:
        return f"{self.position}: {self.tariff}"


@track()
class GeneratorRun(TenantModel):
    """One run of a generator. Its prices lie in a rate sheet like a vendor's: compared, applied and undone as one.

    `sources` has of each vendor the tariff's revision, currency and exchange rate as they were; `figures` what became of the codes and what they earn.
    """

    public_id = PublicIdField()
    generator = tenant_reference("pricing.Generator")
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.WAITING)
    effective_at = models.DateTimeField(help_text="When its prices begin.")
    prices_at = models.DateTimeField(help_text="The instant at which the vendors' prices are taken.")
    sheet = tenant_reference("pricing.SheetImport", null=True)
    settings = models.JSONField(default=dict)
    sources = models.JSONField(default=list)
    figures = models.JSONField(default=dict)
    asked_by = models.CharField(max_length=200, default="system")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=60, blank=True, default="", help_text="Why it made nothing: a stable code.")
    failure_detail = models.TextField(blank=True, default="")

    class Meta:
        constraints = (
            tenant_key("pricing_generatorrun_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_generatorrun_public_id"),
            UniqueConstraint(fields=["tenant", "sheet"], name="pricing_generatorrun_sheet"),
            TenantForeignKey(field="generator", name="pricing_generatorrun_generator_fk"),
            TenantForeignKey(field="sheet", name="pricing_generatorrun_sheet_fk"),
            CheckConstraint(
                condition=~Q(state=RunState.MADE) | Q(sheet__isnull=False), name="pricing_generatorrun_made"
            ),
        )
        indexes = (models.Index(fields=["tenant", "generator"], name="pricing_generatorrun_generator"),)

    def __str__(self) -> str:
        return f"{self.generator} {self.asked_at:%Y-%m-%d %H:%M}"

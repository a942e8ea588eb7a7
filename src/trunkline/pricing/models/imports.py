"""What the pricing team keeps: agreements about notice, how each vendor's sheets look, and every sheet that came."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.pricing.choices import CountingChoice, ImportState, ImportWork, OnBreachChoice, ScopeChoice
from trunkline.pricing.notice import NOTICE_DAYS_MAX


def _days(what: str) -> models.PositiveSmallIntegerField[int, int]:
    return models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(NOTICE_DAYS_MAX)], help_text=f"Days of notice for {what}."
    )


@track()
class Agreement(TenantModel):
    """How long before it holds a change of prices must be told, for each kind of change (docs/algorithms/rate-changes.md)."""

    name = models.CharField(max_length=120, help_text="What the agreement is called, as the vendor or the contract.")
    counting = models.CharField(
        max_length=12,
        choices=CountingChoice.choices,
        default=CountingChoice.MIDNIGHT,
        help_text="From when on the days are counted.",
    )
    timezone = models.CharField(max_length=64, default="UTC", help_text="IANA zone of its days and hours.")
    hour = models.PositiveSmallIntegerField(default=0, help_text="The hour that hours are counted from, 0 to 23.")
    is_business = models.BooleanField(default=False, help_text="Count business days only.")
    holidays = models.JSONField(default=list, blank=True, help_text="Days that are no business days, as 2026-12-25.")
    cut_off = models.TimeField(
        null=True, blank=True, help_text="A sheet that comes at this time or later counts as one of the next day."
    )
    on_breach = models.CharField(
        max_length=8,
        choices=OnBreachChoice.choices,
        default=OnBreachChoice.PUSH,
        help_text="What becomes of a line that begins sooner than it may.",
    )
    days_new = _days("codes that are new")
    days_increase = _days("prices that go up")
    days_decrease = _days("prices that go down")
    days_increment = _days("other increments, and codes that move to another destination")
    days_closed = _days("codes that are no longer offered")
    days_blocked = _days("codes that are not to be used")

    class Meta:
        constraints = (
            tenant_key("pricing_agreement_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="pricing_agreement_name"),
            CheckConstraint(condition=Q(hour__lte=23), name="pricing_agreement_hour"),
        )

    def __str__(self) -> str:
        return self.name


@track()
class SheetTemplate(TenantModel):
    """What is the same in every sheet of one vendor: into which tariff it goes, how it looks, what it leaves out, under which agreement.

    `layout` is what was understood of a sheet and corrected by hand (`sheets.layout`); null: each sheet is recognised by itself.
    """

    name = models.CharField(max_length=120, help_text="What the template is called, as the vendor.")
    tariff = tenant_reference("tariffs.Tariff")
    agreement = tenant_reference("pricing.Agreement", null=True)
    scope = models.CharField(
        max_length=8,
        choices=ScopeChoice.choices,
        default=ScopeChoice.PARTIAL,
        help_text="What a sheet says of the codes that it does not name.",
    )
    layout = models.JSONField(
        null=True, blank=True, help_text="How its sheets look; empty: each is recognised by itself."
    )
    checks = models.JSONField(
        default=dict, blank=True, help_text="Checks that are not as usual, by name: ignore, warn or stop."
    )

    class Meta:
        verbose_name = "sheet template"
        constraints = (
            tenant_key("pricing_sheettemplate_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="pricing_sheettemplate_name"),
            TenantForeignKey(field="tariff", name="pricing_sheettemplate_tariff_fk"),
            TenantForeignKey(field="agreement", name="pricing_sheettemplate_agreement_fk"),
        )

    def __str__(self) -> str:
        return self.name


@track()
class SheetImport(TenantModel):
    """One rate sheet: what came, what was understood, what it changes, and what became of it. Together they are a tariff's history.

    The file and its lines lie below the data folder (`files`). `counts` has the lines of each kind, `errors` and `closed_codes`; `findings` what the checks said.
    """

    public_id = PublicIdField()
    tariff = tenant_reference("tariffs.Tariff")
    template = tenant_reference("pricing.SheetTemplate", null=True)
    agreement = tenant_reference("pricing.Agreement", null=True)
    scope = models.CharField(max_length=8, choices=ScopeChoice.choices)
    state = models.CharField(max_length=12, choices=ImportState.choices, default=ImportState.COMPARED)
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    octets = models.PositiveBigIntegerField()
    notified_at = models.DateTimeField(help_text="When the sheet was received: notice counts from then.")
    effective_at = models.DateTimeField(
        help_text="When lines without a date of their own begin, and left-out codes close."
    )
    wanted_at = models.DateTimeField(
        null=True, help_text="When lines without a date begin, as somebody said; empty: as the sheet says."
    )
    reaches_back = models.BooleanField(default=False, help_text="Lines may begin before the sheet was received.")
    subject = models.CharField(max_length=300, blank=True, default="", help_text="Subject of the mail it came with.")
    checks = models.JSONField(null=True, help_text="Checks that are not as usual; empty: those of the template.")
    asked_by = models.CharField(max_length=100, blank=True, default="", help_text="Who has loaded it.")
    work = models.CharField(
        max_length=12,
        choices=ImportWork.choices,
        blank=True,
        default=ImportWork.NONE,
        help_text="What a worker is at with it.",
    )
    problem = models.JSONField(null=True, help_text="What was in the way of the last step: code, message, hint.")
    layout = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    compared_revision = models.PositiveIntegerField(
        default=0, help_text="Revision of the tariff that it was compared with; 0: not yet."
    )
    created_at = models.DateTimeField(editable=False)
    applied_at = models.DateTimeField(null=True)
    begins_at = models.DateTimeField(null=True, help_text="When the first of its changes begins; empty: from ever.")
    left_revision = models.PositiveIntegerField(null=True, help_text="Revision of the tariff that it has left.")
    first_rate = models.BigIntegerField(default=0)
    last_rate = models.BigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, help_text="When it was undone or discarded.")
    reason = models.CharField(max_length=500, blank=True, default="", help_text="Why it was undone or discarded.")

    class Meta:
        verbose_name = "rate sheet"
        constraints = (
            tenant_key("pricing_sheetimport_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_sheetimport_public_id"),
            TenantForeignKey(field="tariff", name="pricing_sheetimport_tariff_fk"),
            TenantForeignKey(field="template", name="pricing_sheetimport_template_fk"),
            TenantForeignKey(field="agreement", name="pricing_sheetimport_agreement_fk"),
            CheckConstraint(
                condition=~Q(state=ImportState.APPLIED) | Q(applied_at__isnull=False, left_revision__isnull=False),
                name="pricing_sheetimport_applied",
            ),
        )
        indexes = (
            models.Index(fields=["tenant", "tariff", "created_at"], name="pricing_sheetimport_tariff"),
            models.Index(fields=["tenant", "sha256"], name="pricing_sheetimport_sha256"),
        )

    def __str__(self) -> str:
        return f"{self.file_name} for {self.tariff}"

"""Swap deals: what was promised, and what is to be told about it. How they stand is computed from usage and stored nowhere."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import PriceField, PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.pricing.deals.choices import AlarmChoice, AlarmMailState, DirectionChoice, LengthChoice


@track()
class Deal(TenantModel):
    """Minutes that a partner and we promise each other, in one period after the other (docs/algorithms/swap-deals.md).

    It changes no invoice: it tells how far both are, and what the deal is worth beside ordinary prices.
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=120, help_text="What the deal is called, as in the contract.")
    account = tenant_reference("parties.Account")
    currency = models.CharField(max_length=3, help_text="Currency of its prices.")
    starts_on = models.DateField(help_text="First day of the first period, on the partner account's clock.")
    length = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="How many days or months a period has."
    )
    unit = models.CharField(
        max_length=6, choices=LengthChoice.choices, default=LengthChoice.MONTHS, help_text="What the length counts."
    )
    repeats = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1)], help_text="How many periods follow each other."
    )
    alert_below = models.PositiveSmallIntegerField(
        default=100,
        validators=[MaxValueValidator(100)],
        help_text="Alarm when less than so many percent of a commitment is expected at the end of the period; 0: never.",
    )
    recipients = models.JSONField(default=list, blank=True, help_text="Mail addresses that are told of alarms.")
    note = models.TextField(blank=True, default="", help_text="What else was agreed.")
    created_at = models.DateTimeField(editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Since when nobody looks at it any more.")

    class Meta:
        verbose_name = "swap deal"
        constraints = (
            tenant_key("pricing_deal_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_deal_public_id"),
            UniqueConstraint(fields=["tenant", "name"], name="pricing_deal_name"),
            TenantForeignKey(field="account", name="pricing_deal_account_fk"),
            CheckConstraint(
                condition=Q(length__gte=1, repeats__gte=1, alert_below__lte=100), name="pricing_deal_figures"
            ),
        )

    def __str__(self) -> str:
        return self.name


@track()
class DealItem(TenantModel):
    """One promise of a deal: minutes to some destinations or codes in each period, at a price a minute."""

    deal = tenant_reference("pricing.Deal")
    direction = models.CharField(max_length=8, choices=DirectionChoice.choices, help_text="Who sends the traffic.")
    minutes = models.PositiveBigIntegerField(help_text="Minutes that are promised in each period.")
    price = PriceField(help_text="Price of a minute, in the deal's currency.")
    beyond = PriceField(
        null=True, blank=True, help_text="Price of the minutes beyond the promise; empty: what they cost ordinarily."
    )
    destinations = models.JSONField(default=list, blank=True, help_text="Names of destinations.")
    codes = models.JSONField(default=list, blank=True, help_text="What the codes of rates begin with.")

    class Meta:
        verbose_name = "item of a swap deal"
        constraints = (
            tenant_key("pricing_dealitem_tenant_id"),
            TenantForeignKey(field="deal", name="pricing_dealitem_deal_fk"),
            CheckConstraint(condition=Q(minutes__gte=1), name="pricing_dealitem_minutes"),
        )
        indexes = (models.Index(fields=["tenant", "deal"], name="pricing_dealitem_deal"),)

    def __str__(self) -> str:
        named = ", ".join([*self.destinations, *self.codes])
        return f"{self.direction} {named or '*'}"


class DealAlarm(TenantModel):
    """Something to be told of one period of a deal: raised once, cleared by itself when it is no longer so."""

    deal = tenant_reference("pricing.Deal")
    period_from = models.DateField()
    kind = models.CharField(max_length=8, choices=AlarmChoice.choices)
    detail = models.TextField()
    raised_at = models.DateTimeField()
    last_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)
    mail_state = models.CharField(max_length=9, choices=AlarmMailState.choices, default=AlarmMailState.NONE)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mail_detail = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "alarm of a swap deal"
        constraints = (
            UniqueConstraint(
                fields=["tenant", "deal", "period_from", "kind"],
                condition=Q(cleared_at=None),
                name="pricing_dealalarm_open",
            ),
            TenantForeignKey(field="deal", name="pricing_dealalarm_deal_fk"),
        )
        indexes = (models.Index(fields=["tenant", "deal", "raised_at"], name="pricing_dealalarm_raised"),)

    def __str__(self) -> str:
        return f"{self.kind} of the period from {self.period_from}"

"""Prices: tariffs with their rates, the destinations they are for, and what currencies cost each other."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, CheckConstraint, F, Func, Q, UniqueConstraint, Value, When

from trunkline.core.ids import uuid7
from trunkline.core.money import AMOUNT_DECIMALS, Price
from trunkline.kit.history import track
from trunkline.kit.models import (
    AmountField,
    PriceField,
    PublicIdField,
    TenantForeignKey,
    TenantModel,
    tenant_key,
    tenant_reference,
    unchecked_tenant,
)
from trunkline.tariffs.choices import DestinationKind, RateRounding, Service, Side, TariffUnit

# Cheap, because every row of a price list passes it: `rules.parse_steps` says what steps are.
STEPS_PATTERN = r"^0:[-0-9.:/;]+$"


def no_fee() -> Price:
    """The setup fee of a rate that has none."""
    return Price(0)


@track()
class CodeDeck(TenantModel):
    """A list of codes and what they are called: the tenant's own view of the world's numbering."""

    name = models.CharField(max_length=120)
    is_default = models.BooleanField(
        default=False, help_text="Destinations that a sheet names without codes have those of this deck."
    )

    class Meta:
        constraints = (
            tenant_key("tariffs_codedeck_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="tariffs_codedeck_name"),
            UniqueConstraint(fields=["tenant"], name="tariffs_codedeck_default", condition=Q(is_default=True)),
        )

    def __str__(self) -> str:
        return self.name


class Destination(TenantModel):
    """Where a call goes, by the name that invoices and reports show: `Kenya Mobile Safaricom`."""

    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2, blank=True, default="", help_text="ISO 3166 code; empty: none or several.")
    kind = models.CharField(max_length=12, choices=DestinationKind.choices, default=DestinationKind.OTHER)

    class Meta:
        constraints = (
            tenant_key("tariffs_destination_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="tariffs_destination_name"),
        )

    def __str__(self) -> str:
        return self.name


class Code(TenantModel):
    """One code of a deck and the destination it belongs to; of several that fit a number the longest counts."""

    deck = tenant_reference("tariffs.CodeDeck")
    code = models.CharField(max_length=18)
    destination = tenant_reference("tariffs.Destination")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "deck", "code"], name="tariffs_code_deck_code"),
            TenantForeignKey(field="deck", name="tariffs_code_deck_fk"),
            TenantForeignKey(field="destination", name="tariffs_code_destination_fk"),
            CheckConstraint(condition=Q(code__regex=r"^[0-9]*$"), name="tariffs_code_digits"),
        )
        indexes = (models.Index(fields=["tenant", "destination"], name="tariffs_code_destination"),)

    def __str__(self) -> str:
        return self.code


@track()
class DestinationGroup(TenantModel):
    """Destinations that belong together, such as `EEA mobiles`: for special rates, the generator and reports."""

    name = models.CharField(max_length=120, help_text="By which it is chosen, such as EEA mobiles.")
    note = models.CharField(max_length=500, blank=True, default="", help_text="What it is for, or who decides on it.")

    class Meta:
        constraints = (
            tenant_key("tariffs_destinationgroup_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="tariffs_destinationgroup_name"),
        )

    def __str__(self) -> str:
        return self.name


@track()
class GroupMember(TenantModel):
    """One destination of a group; a destination can be in several groups."""

    group = tenant_reference("tariffs.DestinationGroup")
    destination = tenant_reference("tariffs.Destination")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "group", "destination"], name="tariffs_groupmember_once"),
            TenantForeignKey(field="group", name="tariffs_groupmember_group_fk"),
            TenantForeignKey(field="destination", name="tariffs_groupmember_destination_fk"),
        )
        indexes = (models.Index(fields=["tenant", "destination"], name="tariffs_groupmember_dest"),)

    def __str__(self) -> str:
        return f"{self.group}: {self.destination}"


@track()
class TimeProfile(TenantModel):
    """A named set of local times, such as peak and off-peak, that rates and traffic rules can be limited to.

    The clock is that of the tariff's timezone, in a traffic rule the tenant's. `windows` is a list of objects with `weekdays`, `months`, `month_days`,
    `years`, `from` and `to`, each of which may be left out (`docs/algorithms/rating.md`, rule 2).
    """

    name = models.CharField(max_length=60)
    windows = models.JSONField(default=list)

    class Meta:
        constraints = (
            tenant_key("tariffs_timeprofile_tenant_id"),
            UniqueConstraint(fields=["tenant", "name"], name="tariffs_timeprofile_name"),
        )

    def __str__(self) -> str:
        return self.name


@track()
class Tariff(TenantModel):
    """A price list: a currency, a clock and rates, sold to customers or bought from vendors.

    Its origin deck says where callers are; rates that name an origin are for callers from there only (`docs/algorithms/rating.md`, rule 18).
    One that is sold may have a parent: what it has no price for, its parent prices (`docs/algorithms/rating.md`, rule 17).
    `revision` grows with every change of anything that decides a price, so that a compiled copy knows whether it is
    still true; `stamp` tells two revisions of one number apart, as a restored backup makes them.
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3, help_text="Currency of its prices; never changes.")
    timezone = models.CharField(max_length=64, default="UTC", help_text="IANA zone of its time profiles and dates.")
    unit = models.CharField(max_length=8, choices=TariffUnit.choices, default=TariffUnit.SECOND)
    origin_deck = tenant_reference("tariffs.CodeDeck", null=True)
    parent = tenant_reference("tariffs.Tariff", null=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    stamp = models.UUIDField(default=uuid7, editable=False, help_text="New with every revision.")
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = (
            tenant_key("tariffs_tariff_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="tariffs_tariff_public_id"),
            UniqueConstraint(fields=["tenant", "name"], name="tariffs_tariff_name"),
            TenantForeignKey(field="origin_deck", name="tariffs_tariff_origin_deck_fk"),
            TenantForeignKey(field="parent", name="tariffs_tariff_parent_fk"),
            CheckConstraint(condition=~Q(parent=F("id")), name="tariffs_tariff_not_its_own_parent"),
        )
        indexes = (
            models.Index(fields=["tenant", "origin_deck"], name="tariffs_tariff_origin_deck"),
            models.Index(fields=["tenant", "parent"], name="tariffs_tariff_parent"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"


class TariffRevision(TenantModel):
    """Which rates one revision of a tariff changed, so that a copy of the revision before it is brought up to date without reading the whole list.

    Rates with ids from `first_id` to `last_id` are new; those of `touched` were ended, voided, or stand again. Only the newest are kept: who finds no
    way from what he has to what is now reads all rates.
    """

    tariff = tenant_reference("tariffs.Tariff")
    revision = models.PositiveIntegerField()
    before = models.UUIDField(help_text="Stamp of the tariff before it.")
    stamp = models.UUIDField(help_text="Stamp of the tariff since.")
    first_id = models.BigIntegerField(null=True, blank=True)
    last_id = models.BigIntegerField(null=True, blank=True)
    touched = ArrayField(models.BigIntegerField(), default=list, blank=True)

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "tariff", "stamp"], name="tariffs_tariffrevision_stamp"),
            TenantForeignKey(field="tariff", name="tariffs_tariffrevision_tariff_fk"),
            CheckConstraint(
                condition=Q(first_id__isnull=True, last_id__isnull=True) | Q(first_id__lte=F("last_id")),
                name="tariffs_tariffrevision_ids",
            ),
        )

    def __str__(self) -> str:
        return f"{self.tariff_id}: {self.revision}"


@track()
class SpecialRate(TenantModel):
    """An exclusive price of a tariff for a destination, or for a group of them, whatever codes they have.

    It writes an ordinary dated rate for each of the codes and keeps them in step with the deck (docs/algorithms/special-rates.md).
    """

    public_id = PublicIdField()
    tariff = tenant_reference("tariffs.Tariff")
    deck = tenant_reference("tariffs.CodeDeck")
    destination = tenant_reference("tariffs.Destination", null=True)
    group = tenant_reference("tariffs.DestinationGroup", null=True)
    steps = models.TextField()
    setup_fee = PriceField(default=no_fee)
    grace = models.PositiveBigIntegerField(default=0, help_text="A smaller quantity is free.")
    valid_from = models.DateTimeField(help_text="When it begins.")
    valid_to = models.DateTimeField(null=True, blank=True, help_text="When it ends; empty: open.")
    note = models.CharField(max_length=500, blank=True, default="", help_text="Why there is this price.")
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = (
            tenant_key("tariffs_specialrate_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="tariffs_specialrate_public_id"),
            TenantForeignKey(field="tariff", name="tariffs_specialrate_tariff_fk"),
            TenantForeignKey(field="deck", name="tariffs_specialrate_deck_fk"),
            TenantForeignKey(field="destination", name="tariffs_specialrate_destination_fk"),
            TenantForeignKey(field="group", name="tariffs_specialrate_group_fk"),
            # That it is not both the action sees to.
            CheckConstraint(
                condition=Q(destination__isnull=False) | Q(group__isnull=False), name="tariffs_specialrate_target"
            ),
            CheckConstraint(condition=Q(steps__regex=STEPS_PATTERN), name="tariffs_specialrate_steps"),
            CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
                name="tariffs_specialrate_validity",
            ),
        )
        indexes = (models.Index(fields=["tenant", "tariff"], name="tariffs_specialrate_tariff"),)

    def __str__(self) -> str:
        return str(self.destination or self.group)


class Rate(TenantModel):
    """What calls to one code cost, from when to when, under which conditions. The list is in the order of the ids.

    Prices are never overwritten: a new price is a new row, the earlier one is given an end, and a row that was wrong is
    voided. `steps` is text as in rate files, `0:0.20/60/60;60:0.10/60/1`: from which position, price, per how many
    units, in increments of how many.
    """

    # A price list has a million rows and each foreign key costs one look-up a row. A trigger looks once a statement instead, and what
    # rates refer to is never removed (docs/adr/006-references-of-rates-are-checked-once-a-statement.md).
    UNCHECKED_REFERENCES = frozenset({"tariff", "destination", "time_profile", "special"})

    tenant = unchecked_tenant()
    tariff = tenant_reference("tariffs.Tariff")
    code = models.CharField(max_length=18, blank=True, help_text="What numbers begin with; empty: every number.")
    destination = tenant_reference("tariffs.Destination", null=True)
    steps = models.TextField()
    setup_fee = PriceField(default=no_fee)
    grace = models.PositiveBigIntegerField(default=0, help_text="A smaller quantity is free.")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    time_profile = tenant_reference("tariffs.TimeProfile", null=True)
    weight = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal(10))
    rounding_mode = models.PositiveSmallIntegerField(choices=RateRounding.choices, default=RateRounding.HALF_UP)
    rounding_decimals = models.PositiveSmallIntegerField(default=AMOUNT_DECIMALS)
    max_cost = AmountField(null=True, blank=True)
    blocked = models.BooleanField(default=False)
    tag = models.CharField(max_length=60, null=True, blank=True)
    origin = models.CharField(
        max_length=200,
        null=True,
        blank=True,
        help_text="Where the caller must be, as the tariff's origin deck names it.",
    )
    length_min = models.PositiveSmallIntegerField(null=True, blank=True)
    length_max = models.PositiveSmallIntegerField(null=True, blank=True)
    additive = models.BooleanField(default=False)
    special = tenant_reference("tariffs.SpecialRate", null=True)
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            CheckConstraint(condition=Q(code__regex=r"^[0-9]*$"), name="tariffs_rate_code"),
            CheckConstraint(condition=Q(steps__regex=STEPS_PATTERN), name="tariffs_rate_steps"),
            CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_from__lt=F("valid_to")),
                name="tariffs_rate_validity",
            ),
            CheckConstraint(condition=Q(rounding_decimals__lte=AMOUNT_DECIMALS), name="tariffs_rate_rounding_decimals"),
            CheckConstraint(condition=Q(max_cost__gte=0), name="tariffs_rate_max_cost"),
        )
        indexes = (
            models.Index(fields=["tenant", "tariff", "code"], name="tariffs_rate_tariff_code"),
            models.Index(fields=["tenant", "special"], name="tariffs_rate_special", condition=Q(special__isnull=False)),
        )

    def __str__(self) -> str:
        return self.code or "*"


class ExchangeRate(TenantModel):
    """What one unit of `base` costs in `quote`, as published on a date; it holds until the next one.

    The file of the European Central Bank has the euro as base; a tenant adds the pairs it agreed on or needs besides.
    """

    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    on = models.DateField()
    rate = models.DecimalField(max_digits=24, decimal_places=12)
    source = models.CharField(max_length=40, default="manual")

    class Meta:
        constraints = (
            UniqueConstraint(fields=["tenant", "base", "quote", "on"], name="tariffs_exchangerate_pair_on"),
            CheckConstraint(condition=Q(rate__gt=0), name="tariffs_exchangerate_positive"),
            CheckConstraint(condition=~Q(base=F("quote")), name="tariffs_exchangerate_pair"),
        )

    def __str__(self) -> str:
        return f"1 {self.base} = {self.rate.normalize():f} {self.quote} ({self.on})"


_SERVICE_NUMBER = Case(
    When(service="voice", then=Value(0)),
    When(service="sms", then=Value(1)),
    When(service="data", then=Value(2)),
    default=Value(3),
)
_LIST_NUMBER = F("position") * 8 + _SERVICE_NUMBER * 2 + Case(When(side="buy", then=Value(1)), default=Value(0))


@track()
class AccountTariff(TenantModel):
    """One place in an account's ordered list of tariffs: what it pays us (sell) or we pay it (buy) for one service.

    The first tariff of the list that has any rate for an event prices it. A place is held by one tariff at a time.
    """

    account = tenant_reference("parties.Account")
    side = models.CharField(max_length=4, choices=Side.choices)
    service = models.CharField(max_length=8, choices=Service.choices, default=Service.VOICE)
    position = models.PositiveSmallIntegerField(help_text="The lower number is asked first.")
    tariff = tenant_reference("tariffs.Tariff")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            TenantForeignKey(field="account", name="tariffs_accounttariff_account_fk"),
            TenantForeignKey(field="tariff", name="tariffs_accounttariff_tariff_fk"),
            CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
                name="tariffs_accounttariff_validity",
            ),
            ExclusionConstraint(
                name="tariffs_accounttariff_place_is_taken",
                expressions=[
                    (Func(F("tenant"), F("tenant"), Value("[]"), function="int8range"), "="),
                    (Func(F("account"), F("account"), Value("[]"), function="int8range"), "="),
                    (Func(_LIST_NUMBER, _LIST_NUMBER, Value("[]"), function="int4range"), "="),
                    (Func(F("valid_from"), F("valid_to"), function="tstzrange"), "&&"),
                ],
            ),
        )
        indexes = (models.Index(fields=["tenant", "tariff"], name="tariffs_accounttariff_tariff"),)

    def __str__(self) -> str:
        return f"{self.get_side_display()} {self.get_service_display()} {self.position}"

"""What was used: switches, batches, the catalogue of segments, rollups."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from trunkline.kit.history import track
from trunkline.kit.models import (
    AmountField,
    PublicIdField,
    TenantForeignKey,
    TenantModel,
    tenant_key,
    tenant_reference,
    unchecked_tenant,
)
from trunkline.usage.choices import (
    BatchState,
    Intake,
    RuleSide,
    RuleStage,
    RuleThen,
    SegmentKind,
    SegmentState,
    Side,
)
from trunkline.usage.sources.models import Alarm, Feed, Receipt, Source

__all__ = [
    "Alarm",
    "Batch",
    "Feed",
    "HourTotal",
    "Receipt",
    "Rollup",
    "Segment",
    "Source",
    "Switch",
    "TrafficRule",
    "WaitingLeg",
]


@track()
class Switch(TenantModel):
    """A switch whose records we take: their format, their clock and how its numbers become E.164.

    The key of a record belongs to the switch, whatever way the file came.
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=60, help_text="Name that files are loaded under.")
    format = models.CharField(max_length=40, help_text="Format of its files; `trunkline usage formats` lists them.")
    timezone = models.CharField(max_length=64, default="UTC", help_text="IANA zone of times that carry no offset.")
    number_rules = models.JSONField(
        default=list, blank=True, help_text="Ordered rules that make calling and called numbers E.164."
    )
    has_buy_side = models.BooleanField(default=True, help_text="Off where there is no vendor, as with retail.")
    max_duration_s = models.PositiveIntegerField(
        default=86_400, help_text="Longer calls are rejected (duration_over_limit)."
    )
    future_limit_s = models.PositiveIntegerField(
        default=300, help_text="Records further ahead of our clock are rejected (time_in_future)."
    )
    duplicate_window_days = models.PositiveSmallIntegerField(
        default=3, help_text="How many days around a file's own days are searched for records already taken."
    )
    options = models.JSONField(default=dict, blank=True, help_text="Options of the format.")

    class Meta:
        verbose_name_plural = "switches"
        constraints = (
            tenant_key("usage_switch_tenant_id"),
            models.UniqueConstraint(fields=["tenant", "name"], name="usage_switch_name"),
            models.UniqueConstraint(fields=["tenant", "public_id"], name="usage_switch_public_id"),
        )

    def __str__(self) -> str:
        return self.name


@track()
class TrafficRule(TenantModel):
    """What happens to some of the records before they are priced: a number changed, a tag added, the record refused.

    `conditions` maps names to lists of texts (patterns: to a text), `actions` is text as people write it; docs/algorithms/traffic-rules.md says
    what both mean, `usage.traffic.rule` what is allowed.
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=60, help_text="By which records and rejects name it.")
    stage = models.CharField(max_length=24, choices=RuleStage.choices)
    position = models.PositiveIntegerField(help_text="Order inside the stage, lower first.")
    side = models.CharField(max_length=4, choices=RuleSide.choices, default=RuleSide.BOTH)
    switch = tenant_reference("usage.Switch", null=True)
    account = tenant_reference("parties.Account", null=True)
    valid_from = models.DateTimeField(null=True, help_text="First start of a record that it is for.")
    valid_to = models.DateTimeField(null=True, help_text="Start from which on it is not any more.")
    conditions = models.JSONField(default=dict, blank=True)
    actions = models.TextField(blank=True, help_text="Such as: strip called 2; tag premium.")
    then = models.CharField(max_length=8, choices=RuleThen.choices, default=RuleThen.CONTINUE)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            tenant_key("usage_trafficrule_tenant_id"),
            models.UniqueConstraint(fields=["tenant", "name"], name="usage_trafficrule_name"),
            models.UniqueConstraint(fields=["tenant", "public_id"], name="usage_trafficrule_public_id"),
            TenantForeignKey(field="switch", name="usage_trafficrule_switch_fk"),
            TenantForeignKey(field="account", name="usage_trafficrule_account_fk"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
                name="usage_trafficrule_dates",
            ),
            models.CheckConstraint(
                condition=~Q(stage=RuleStage.BEFORE_IDENTIFICATION) | Q(side=RuleSide.BOTH, account__isnull=True),
                name="usage_trafficrule_first_stage",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Batch(TenantModel):
    """One file, known by the hash of its decompressed bytes: the same bytes from the same switch are one batch however often they come.

    rows_in = rated + rejected + duplicates + waiting, always; blank lines are `skipped` and no rows. `waiting` are the legs that it left in
    the waiting table, `joined` those of earlier batches that it took from there. A re-rating is a batch without a file: what came in are the
    segments that it writes anew.
    """

    public_id = PublicIdField()
    switch = tenant_reference("usage.Switch")
    intake = models.CharField(max_length=10, choices=Intake.choices)
    name = models.CharField(max_length=255, help_text="Name of the file.")
    path = models.CharField(max_length=1000, help_text="Where the file lies while the batch is not final.")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of the decompressed bytes.")
    header = models.TextField(blank=True, help_text="Header line of the file, so that its rejects can be sent again.")
    resends = tenant_reference("usage.Batch", null=True, help_text="The batch whose rejects this one sends again.")
    asked = models.JSONField(default=dict, blank=True, help_text="Which records a re-rating prices again.")
    octets = models.BigIntegerField(help_text="Size of the decompressed bytes.")
    stamp = models.CharField(
        max_length=80, blank=True, help_text="Inode, size and time of the file as it was when it was hashed."
    )
    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.REGISTERED)
    attempt = models.PositiveIntegerField(default=0, help_text="Counts the workers that began; only the last may post.")
    failure = models.CharField(max_length=40, blank=True, help_text="Stable code of why the whole file failed.")
    failure_detail = models.TextField(blank=True)
    snapshot_version = models.CharField(max_length=64, blank=True, help_text="Version of the prices that were pinned.")
    rows_in = models.BigIntegerField(default=0)
    rated = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    waiting = models.BigIntegerField(default=0, help_text="Legs that wait for a partner since this file.")
    joined = models.BigIntegerField(default=0, help_text="Legs of earlier files that waited and went on with this one.")
    skipped = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0, help_text="Records that a re-rating has changed.")
    reject_reasons = models.JSONField(default=dict, help_text="Number of rejects by reason.")
    min_start = models.DateTimeField(null=True)
    max_start = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    progress_octets = models.BigIntegerField(default=0, help_text="How much of the file the present worker has done.")

    class Meta:
        verbose_name_plural = "batches"
        constraints = (
            tenant_key("usage_batch_tenant_id"),
            models.UniqueConstraint(fields=["tenant", "switch", "content_hash"], name="usage_batch_content"),
            models.UniqueConstraint(fields=["tenant", "public_id"], name="usage_batch_public_id"),
            models.UniqueConstraint(fields=["tenant", "resends"], name="usage_batch_resends"),
            TenantForeignKey(field="switch", name="usage_batch_switch_fk"),
            TenantForeignKey(field="resends", name="usage_batch_resends_fk"),
        )
        indexes = (models.Index(fields=["tenant", "state"], name="usage_batch_state"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class WaitingLeg(TenantModel):
    """A leg of a call whose other legs have not come yet. It belongs to its switch: two switches may use the same names for other calls."""

    switch = tenant_reference("usage.Switch")
    batch = tenant_reference("usage.Batch")
    call = models.TextField(help_text="Key of the call, which its record will have.")
    call_hash = models.BigIntegerField(
        help_text="engine.keyhash of the call, so that a file's calls are looked up at once."
    )
    leg = models.CharField(max_length=8, help_text="What tells it from the other legs of its call.")
    kind = models.CharField(max_length=5, help_text="What it is in its call: in, out, begin or end.")
    at = models.DateTimeField(help_text="When it says that it began.")
    raw = models.TextField(help_text="The leg as it stood in its file.")
    waits_since = models.DateTimeField(help_text="When its file was received.")
    leaves_with = tenant_reference("usage.Batch", null=True, help_text="The batch with which it goes on alone.")

    class Meta:
        constraints = (
            TenantForeignKey(field="switch", name="usage_waiting_switch_fk"),
            TenantForeignKey(field="batch", name="usage_waiting_batch_fk"),
            TenantForeignKey(field="leaves_with", name="usage_waiting_leaves_with_fk"),
        )
        indexes = (
            models.Index(fields=["tenant", "switch", "call_hash"], name="usage_waiting_call"),
            models.Index(fields=["tenant", "switch", "waits_since"], name="usage_waiting_since"),
        )

    def __str__(self) -> str:
        return f"{self.call} {self.kind}"


class Segment(TenantModel):
    """A Parquet file of rated records or rejects of one day. No file is opened but through its row here: this row's policy is the file's isolation."""

    batch = tenant_reference("usage.Batch")
    switch = tenant_reference("usage.Switch")
    kind = models.CharField(max_length=8, choices=SegmentKind.choices)
    day = models.DateField(help_text="UTC day of the records' start; of the file's receipt where a record has none.")
    path = models.CharField(max_length=300, help_text="Below the data folder.")
    rows = models.BigIntegerField()
    octets = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    min_start = models.DateTimeField(null=True)
    max_start = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=SegmentState.choices, default=SegmentState.LIVE)
    superseded_by = tenant_reference("usage.Batch", null=True)
    superseded_at = models.DateTimeField(null=True)
    contains_personal_until = models.DateField(null=True, help_text="When its numbers must have been erased.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            tenant_key("usage_segment_tenant_id"),
            models.UniqueConstraint(fields=["tenant", "path"], name="usage_segment_path"),
            TenantForeignKey(field="batch", name="usage_segment_batch_fk"),
            TenantForeignKey(field="switch", name="usage_segment_switch_fk"),
            TenantForeignKey(field="superseded_by", name="usage_segment_superseded_by_fk"),
        )
        indexes = (models.Index(fields=["tenant", "kind", "state", "day"], name="usage_segment_day"),)

    def __str__(self) -> str:
        return self.path


class Rollup(TenantModel):
    """What one batch adds to one side of one account for one destination, price row and day of the account's zone.

    Additive and never edited: a re-rating adds the old rows negated and the new ones. Invoices are made from these rows.
    """

    batch = tenant_reference("usage.Batch")
    side = models.CharField(max_length=4, choices=Side.choices)
    account = tenant_reference("parties.Account")
    service = models.CharField(max_length=8)
    destination = tenant_reference("tariffs.Destination", null=True)
    rate = tenant_reference("tariffs.Rate", null=True)
    currency = models.CharField(max_length=3, help_text="The account's currency.")
    day = models.DateField(help_text="Day in the account's zone.")
    attempts = models.BigIntegerField()
    connected = models.BigIntegerField()
    raw_quantity = models.BigIntegerField(help_text="Units used: seconds, octets or messages.")
    billed_quantity = models.BigIntegerField(help_text="Units charged: whole increments.")
    amount = AmountField(help_text="In the account's currency.")
    base_amount = AmountField(help_text="In the tenant's currency.")

    # Hundreds of thousands of rows a batch: the checks of their references took longer than rating the file (docs/adr/001).
    tenant = unchecked_tenant()
    UNCHECKED_REFERENCES = frozenset({"batch", "account", "destination", "rate"})

    class Meta:
        indexes = (
            models.Index(fields=["account", "day"], name="usage_rollup_account_day"),
            # Rows of a batch lie together: their range of pages is found as soon, and costs the posting nothing.
            BrinIndex(fields=["batch"], name="usage_rollup_batch"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.account_id} {self.day}"


class Proposal(TenantModel):
    """Prices were changed for a time in which records had been posted: they should be priced again.

    Open until a re-rating has looked at everything that it names, or somebody dismisses it. What is left out does not restrict.
    """

    tariff = tenant_reference("tariffs.Tariff", null=True)
    account = tenant_reference("parties.Account", null=True)
    side = models.CharField(max_length=4, choices=Side.choices, blank=True)
    start_from = models.DateTimeField(null=True, help_text="Records that start then or later are concerned.")
    cause = models.CharField(max_length=200, help_text="What was changed, in words.")
    made_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            TenantForeignKey(field="tariff", name="usage_proposal_tariff_fk"),
            TenantForeignKey(field="account", name="usage_proposal_account_fk"),
        )
        indexes = (models.Index(fields=["tenant", "closed_at"], name="usage_proposal_closed_at"),)

    def __str__(self) -> str:
        return self.cause


class HourTotal(TenantModel):
    """What one batch adds to one hour of traffic between a customer and a vendor. Feeds dashboards."""

    batch = tenant_reference("usage.Batch")
    hour = models.DateTimeField(help_text="Beginning of the hour, UTC.")
    sell_account = tenant_reference("parties.Account", null=True)
    buy_account = tenant_reference("parties.Account", null=True)
    attempts = models.BigIntegerField()
    connected = models.BigIntegerField()
    seconds = models.BigIntegerField()
    revenue = AmountField(help_text="In the tenant's currency.")
    cost = AmountField(help_text="In the tenant's currency.")
    pdd_ms = models.BigIntegerField(help_text="Sum of the post-dial delays.")
    pdd_count = models.BigIntegerField(help_text="Attempts that have one.")

    tenant = unchecked_tenant()  # as those of Rollup
    UNCHECKED_REFERENCES = frozenset({"batch", "sell_account", "buy_account"})

    class Meta:
        indexes = (models.Index(fields=["tenant", "hour"], name="usage_hour_hour"),)

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}h"

"""What changed in code decks: every sheet that was compared with one, and every change by hand."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from trunkline.kit.history import track
from trunkline.kit.models import PublicIdField, TenantForeignKey, TenantModel, tenant_key, tenant_reference
from trunkline.pricing.choices import DeckModeChoice, DeckSource, ImportState, ImportWork


@track()
class DeckChange(TenantModel):
    """One change of a code deck: what came, what of it is new, renamed, moved or in conflict, and what became of it.

    The file and its codes lie below the data folder (`files`); `counts` has the codes of each kind (docs/algorithms/decks.md).
    """

    public_id = PublicIdField()
    deck = tenant_reference("tariffs.CodeDeck")
    source = models.CharField(max_length=8, choices=DeckSource.choices, help_text="Where the codes come from.")
    mode = models.CharField(
        max_length=8,
        choices=DeckModeChoice.choices,
        default=DeckModeChoice.ADD,
        help_text="What becomes of codes that the deck has already.",
    )
    state = models.CharField(max_length=12, choices=ImportState.choices, default=ImportState.COMPARED)
    file_name = models.CharField(max_length=255, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    octets = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    created_at = models.DateTimeField(editable=False)
    applied_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When it was undone or discarded.")
    reason = models.CharField(max_length=500, blank=True, default="", help_text="Why it was made, undone or discarded.")
    work = models.CharField(
        max_length=12,
        choices=ImportWork.choices,
        blank=True,
        default=ImportWork.NONE,
        help_text="What a worker is at with it.",
    )
    problem = models.JSONField(null=True, help_text="What was in the way of the last step: code, message, hint.")

    class Meta:
        constraints = (
            tenant_key("pricing_deckchange_tenant_id"),
            UniqueConstraint(fields=["tenant", "public_id"], name="pricing_deckchange_public_id"),
            TenantForeignKey(field="deck", name="pricing_deckchange_deck_fk"),
            CheckConstraint(
                condition=~Q(state=ImportState.APPLIED) | Q(applied_at__isnull=False), name="pricing_deckchange_applied"
            ),
        )
        indexes = (models.Index(fields=["tenant", "deck", "created_at"], name="pricing_deckchange_deck"),)

    def __str__(self) -> str:
        return f"{self.file_name or self.get_source_display()} for {self.deck}"

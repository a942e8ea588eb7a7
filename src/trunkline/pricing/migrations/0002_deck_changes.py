"""What changed in code decks."""

import django.db.models.deletion
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import trunkline.core.ids
import trunkline.kit.db.scope
import trunkline.kit.models
from trunkline.kit.db.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [
        ("pricing", "0001_initial"),
        ("tariffs", "0004_rates_refer_once_a_statement"),
        ("tenancy", "0003_history_and_first_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeckChangeHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                (
                    "source",
                    models.CharField(
                        choices=[("sheet", "sheet"), ("hand", "by hand"), ("world", "world")],
                        help_text="Where the codes come from.",
                        max_length=8,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("add", "add missing codes only"), ("update", "update names too")],
                        default="add",
                        help_text="What becomes of codes that the deck has already.",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("compared", "compared"),
                            ("applied", "applied"),
                            ("undone", "undone"),
                            ("discarded", "discarded"),
                        ],
                        default="compared",
                        max_length=12,
                    ),
                ),
                ("file_name", models.CharField(blank=True, default="", max_length=255)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("octets", models.PositiveBigIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(editable=False)),
                ("applied_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(help_text="When it was undone or discarded.", null=True)),
                (
                    "reason",
                    models.CharField(
                        blank=True, default="", help_text="Why it was made, undone or discarded.", max_length=500
                    ),
                ),
                (
                    "deck",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="tariffs.codedeck",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        default=trunkline.kit.db.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="DeckChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                (
                    "source",
                    models.CharField(
                        choices=[("sheet", "sheet"), ("hand", "by hand"), ("world", "world")],
                        help_text="Where the codes come from.",
                        max_length=8,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("add", "add missing codes only"), ("update", "update names too")],
                        default="add",
                        help_text="What becomes of codes that the deck has already.",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("compared", "compared"),
                            ("applied", "applied"),
                            ("undone", "undone"),
                            ("discarded", "discarded"),
                        ],
                        default="compared",
                        max_length=12,
                    ),
                ),
                ("file_name", models.CharField(blank=True, default="", max_length=255)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("octets", models.PositiveBigIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(editable=False)),
                ("applied_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(help_text="When it was undone or discarded.", null=True)),
                (
                    "reason",
                    models.CharField(
                        blank=True, default="", help_text="Why it was made, undone or discarded.", max_length=500
                    ),
                ),
                (
                    "deck",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.codedeck",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        default=trunkline.kit.db.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "deck", "created_at"], name="pricing_deckchange_deck")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "id"), name="pricing_deckchange_tenant_id"),
                    models.UniqueConstraint(fields=("tenant", "public_id"), name="pricing_deckchange_public_id"),
                    trunkline.kit.models.TenantForeignKey(field="deck", name="pricing_deckchange_deck_fk"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "applied"), _negated=True),
                            ("applied_at__isnull", False),
                            _connector="OR",
                        ),
                        name="pricing_deckchange_applied",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="deckchange",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "pricing_deckchangehistoryevent" ("applied_at", "counts", "created_at", "deck_id", "ended_at", "file_name", "id", "mode", "octets", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "reason", "sha256", "source", "state", "tenant_id") VALUES (NEW."applied_at", NEW."counts", NEW."created_at", NEW."deck_id", NEW."ended_at", NEW."file_name", NEW."id", NEW."mode", NEW."octets", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."reason", NEW."sha256", NEW."source", NEW."state", NEW."tenant_id"); RETURN NULL;',
                    hash="9ba51b5846a4d127a79320fac2133604abd8103a",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_8870e",
                    table="pricing_deckchange",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="deckchange",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "pricing_deckchangehistoryevent" ("applied_at", "counts", "created_at", "deck_id", "ended_at", "file_name", "id", "mode", "octets", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "reason", "sha256", "source", "state", "tenant_id") VALUES (NEW."applied_at", NEW."counts", NEW."created_at", NEW."deck_id", NEW."ended_at", NEW."file_name", NEW."id", NEW."mode", NEW."octets", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."reason", NEW."sha256", NEW."source", NEW."state", NEW."tenant_id"); RETURN NULL;',
                    hash="066bf6753de7eda667b310840c36236aed30f278",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_5b028",
                    table="pricing_deckchange",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="deckchange",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "pricing_deckchangehistoryevent" ("applied_at", "counts", "created_at", "deck_id", "ended_at", "file_name", "id", "mode", "octets", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "reason", "sha256", "source", "state", "tenant_id") VALUES (OLD."applied_at", OLD."counts", OLD."created_at", OLD."deck_id", OLD."ended_at", OLD."file_name", OLD."id", OLD."mode", OLD."octets", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."reason", OLD."sha256", OLD."source", OLD."state", OLD."tenant_id"); RETURN NULL;',
                    hash="5e2db52c68baf1a3f81f20df14051b291cc29aff",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_e567a",
                    table="pricing_deckchange",
                    when="AFTER",
                ),
            ),
        ),
        EnableRLS("deckchange"),
        EnableRLS("deckchangehistoryevent", append_only=True),
    ]

from __future__ import annotations

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
    initial = True

    dependencies = [
        ("parties", "0001_initial"),
        ("tariffs", "0001_initial"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                (
                    "intake",
                    models.CharField(
                        choices=[
                            ("command", "Command line"),
                            ("upload", "Upload"),
                            ("folder", "Watched folder"),
                            ("resend", "Rejects sent again"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(help_text="Name of the file.", max_length=255)),
                (
                    "path",
                    models.CharField(help_text="Where the file lies while the batch is not final.", max_length=1000),
                ),
                ("content_hash", models.CharField(help_text="SHA-256 of the decompressed bytes.", max_length=64)),
                (
                    "header",
                    models.TextField(
                        blank=True, help_text="Header line of the file, so that its rejects can be sent again."
                    ),
                ),
                ("octets", models.BigIntegerField(help_text="Size of the decompressed bytes.")),
                (
                    "stamp",
                    models.CharField(
                        blank=True,
                        help_text="Inode, size and time of the file as it was when it was hashed.",
                        max_length=80,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("registered", "Registered"),
                            ("running", "Running"),
                            ("posted", "Posted"),
                            ("failed", "Failed"),
                        ],
                        default="registered",
                        max_length=10,
                    ),
                ),
                (
                    "attempt",
                    models.PositiveIntegerField(
                        default=0, help_text="Counts the workers that began; only the last may post."
                    ),
                ),
                (
                    "failure",
                    models.CharField(blank=True, help_text="Stable code of why the whole file failed.", max_length=40),
                ),
                ("failure_detail", models.TextField(blank=True)),
                (
                    "snapshot_version",
                    models.CharField(blank=True, help_text="Version of the prices that were pinned.", max_length=64),
                ),
                ("rows_in", models.BigIntegerField(default=0)),
                ("rated", models.BigIntegerField(default=0)),
                ("rejected", models.BigIntegerField(default=0)),
                ("duplicates", models.BigIntegerField(default=0)),
                ("skipped", models.BigIntegerField(default=0)),
                ("reject_reasons", models.JSONField(default=dict, help_text="Number of rejects by reason.")),
                ("min_start", models.DateTimeField(null=True)),
                ("max_start", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "progress_octets",
                    models.BigIntegerField(default=0, help_text="How much of the file the present worker has done."),
                ),
                (
                    "resends",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="The batch whose rejects this one sends again.",
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="usage.batch",
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
        ),
        migrations.CreateModel(
            name="Switch",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                ("name", models.CharField(help_text="Name that files are loaded under.", max_length=60)),
                (
                    "format",
                    models.CharField(
                        help_text="Format of its files; `trunkline usage formats` lists them.", max_length=40
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default="UTC", help_text="IANA zone of times that carry no offset.", max_length=64
                    ),
                ),
                (
                    "number_rules",
                    models.JSONField(
                        blank=True, default=list, help_text="Ordered rules that make calling and called numbers E.164."
                    ),
                ),
                (
                    "has_buy_side",
                    models.BooleanField(default=True, help_text="Off where there is no vendor, as with retail."),
                ),
                (
                    "max_duration_s",
                    models.PositiveIntegerField(
                        default=86400, help_text="Longer calls are rejected (duration_over_limit)."
                    ),
                ),
                (
                    "future_limit_s",
                    models.PositiveIntegerField(
                        default=300, help_text="Records further ahead of our clock are rejected (time_in_future)."
                    ),
                ),
                (
                    "duplicate_window_days",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="How many days around a file's own days are searched for records already taken.",
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict, help_text="Options of the format.")),
                (
                    "watch_folder",
                    models.CharField(
                        blank=True, help_text="Folder whose new files are taken by themselves.", max_length=500
                    ),
                ),
                (
                    "watch_pattern",
                    models.CharField(
                        default="*", help_text="Names of the files to take from the folder.", max_length=100
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
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("rated", "Rated records"), ("reject", "Rejects")], max_length=8)),
                (
                    "day",
                    models.DateField(
                        help_text="UTC day of the records' start; of the file's receipt where a record has none."
                    ),
                ),
                ("path", models.CharField(help_text="Below the data folder.", max_length=300)),
                ("rows", models.BigIntegerField()),
                ("octets", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("min_start", models.DateTimeField(null=True)),
                ("max_start", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("live", "Live"), ("superseded", "Superseded")], default="live", max_length=10
                    ),
                ),
                ("superseded_at", models.DateTimeField(null=True)),
                (
                    "contains_personal_until",
                    models.DateField(help_text="When its numbers must have been erased.", null=True),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="usage.batch",
                    ),
                ),
                (
                    "superseded_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="usage.batch",
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
                (
                    "switch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="usage.switch",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="batch",
            name="switch",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="usage.switch",
            ),
        ),
        migrations.CreateModel(
            name="SwitchHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                ("name", models.CharField(help_text="Name that files are loaded under.", max_length=60)),
                (
                    "format",
                    models.CharField(
                        help_text="Format of its files; `trunkline usage formats` lists them.", max_length=40
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default="UTC", help_text="IANA zone of times that carry no offset.", max_length=64
                    ),
                ),
                (
                    "number_rules",
                    models.JSONField(
                        blank=True, default=list, help_text="Ordered rules that make calling and called numbers E.164."
                    ),
                ),
                (
                    "has_buy_side",
                    models.BooleanField(default=True, help_text="Off where there is no vendor, as with retail."),
                ),
                (
                    "max_duration_s",
                    models.PositiveIntegerField(
                        default=86400, help_text="Longer calls are rejected (duration_over_limit)."
                    ),
                ),
                (
                    "future_limit_s",
                    models.PositiveIntegerField(
                        default=300, help_text="Records further ahead of our clock are rejected (time_in_future)."
                    ),
                ),
                (
                    "duplicate_window_days",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="How many days around a file's own days are searched for records already taken.",
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict, help_text="Options of the format.")),
                (
                    "watch_folder",
                    models.CharField(
                        blank=True, help_text="Folder whose new files are taken by themselves.", max_length=500
                    ),
                ),
                (
                    "watch_pattern",
                    models.CharField(
                        default="*", help_text="Names of the files to take from the folder.", max_length=100
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
            name="HourTotal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(help_text="Beginning of the hour, UTC.")),
                ("attempts", models.BigIntegerField()),
                ("connected", models.BigIntegerField()),
                ("seconds", models.BigIntegerField()),
                ("revenue", trunkline.kit.models.AmountField(help_text="In the tenant's currency.")),
                ("cost", trunkline.kit.models.AmountField(help_text="In the tenant's currency.")),
                ("pdd_ms", models.BigIntegerField(help_text="Sum of the post-dial delays.")),
                ("pdd_count", models.BigIntegerField(help_text="Attempts that have one.")),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="usage.batch",
                    ),
                ),
                (
                    "buy_account",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="parties.account",
                    ),
                ),
                (
                    "sell_account",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="parties.account",
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
                "indexes": [models.Index(fields=["tenant", "hour"], name="usage_hour_hour")],
                "constraints": [
                    trunkline.kit.models.TenantForeignKey(field="batch", name="usage_hour_batch_fk"),
                    trunkline.kit.models.TenantForeignKey(field="sell_account", name="usage_hour_sell_fk"),
                    trunkline.kit.models.TenantForeignKey(field="buy_account", name="usage_hour_buy_fk"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("sell", "Sell"), ("buy", "Buy")], max_length=4)),
                ("service", models.CharField(max_length=8)),
                ("currency", models.CharField(help_text="The account's currency.", max_length=3)),
                ("day", models.DateField(help_text="Day in the account's zone.")),
                ("attempts", models.BigIntegerField()),
                ("connected", models.BigIntegerField()),
                ("raw_quantity", models.BigIntegerField(help_text="Units used: seconds, octets or messages.")),
                ("billed_quantity", models.BigIntegerField(help_text="Units charged: whole increments.")),
                ("amount", trunkline.kit.models.AmountField(help_text="In the account's currency.")),
                ("base_amount", trunkline.kit.models.AmountField(help_text="In the tenant's currency.")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="parties.account",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="usage.batch",
                    ),
                ),
                (
                    "destination",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.destination",
                    ),
                ),
                (
                    "rate",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.rate",
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
                "indexes": [
                    models.Index(fields=["tenant", "side", "account", "day"], name="usage_rollup_account_day"),
                    models.Index(fields=["tenant", "batch"], name="usage_rollup_batch"),
                ],
                "constraints": [models.UniqueConstraint(fields=("tenant", "id"), name="usage_rollup_tenant_id")],
            },
        ),
        migrations.AddConstraint(
            model_name="switch",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="usage_switch_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="switch",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="usage_switch_name"),
        ),
        migrations.AddConstraint(
            model_name="switch",
            constraint=models.UniqueConstraint(fields=("tenant", "public_id"), name="usage_switch_public_id"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="switch",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "usage_switchhistoryevent" ("duplicate_window_days", "format", "future_limit_s", "has_buy_side", "id", "max_duration_s", "name", "number_rules", "options", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "tenant_id", "timezone", "watch_folder", "watch_pattern") VALUES (NEW."duplicate_window_days", NEW."format", NEW."future_limit_s", NEW."has_buy_side", NEW."id", NEW."max_duration_s", NEW."name", NEW."number_rules", NEW."options", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."tenant_id", NEW."timezone", NEW."watch_folder", NEW."watch_pattern"); RETURN NULL;',
                    hash="6e3bd7314043bb80247c29d064bf3bbc89f6e1db",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_d7925",
                    table="usage_switch",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="switch",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "usage_switchhistoryevent" ("duplicate_window_days", "format", "future_limit_s", "has_buy_side", "id", "max_duration_s", "name", "number_rules", "options", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "tenant_id", "timezone", "watch_folder", "watch_pattern") VALUES (NEW."duplicate_window_days", NEW."format", NEW."future_limit_s", NEW."has_buy_side", NEW."id", NEW."max_duration_s", NEW."name", NEW."number_rules", NEW."options", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."tenant_id", NEW."timezone", NEW."watch_folder", NEW."watch_pattern"); RETURN NULL;',
                    hash="9f5f7a48ede289bb42c6b91b9498f67ba1ebc33c",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_dc4d1",
                    table="usage_switch",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="switch",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "usage_switchhistoryevent" ("duplicate_window_days", "format", "future_limit_s", "has_buy_side", "id", "max_duration_s", "name", "number_rules", "options", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "tenant_id", "timezone", "watch_folder", "watch_pattern") VALUES (OLD."duplicate_window_days", OLD."format", OLD."future_limit_s", OLD."has_buy_side", OLD."id", OLD."max_duration_s", OLD."name", OLD."number_rules", OLD."options", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."tenant_id", OLD."timezone", OLD."watch_folder", OLD."watch_pattern"); RETURN NULL;',
                    hash="f70c301225850c0a408894fe97613e8c8a90a143",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_87066",
                    table="usage_switch",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="segment",
            index=models.Index(fields=["tenant", "kind", "state", "day"], name="usage_segment_day"),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="usage_segment_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.UniqueConstraint(fields=("tenant", "path"), name="usage_segment_path"),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=trunkline.kit.models.TenantForeignKey(field="batch", name="usage_segment_batch_fk"),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=trunkline.kit.models.TenantForeignKey(field="switch", name="usage_segment_switch_fk"),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=trunkline.kit.models.TenantForeignKey(
                field="superseded_by", name="usage_segment_superseded_by_fk"
            ),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["tenant", "state"], name="usage_batch_state"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="usage_batch_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(fields=("tenant", "switch", "content_hash"), name="usage_batch_content"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(fields=("tenant", "public_id"), name="usage_batch_public_id"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(fields=("tenant", "resends"), name="usage_batch_resends"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=trunkline.kit.models.TenantForeignKey(field="switch", name="usage_batch_switch_fk"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=trunkline.kit.models.TenantForeignKey(field="resends", name="usage_batch_resends_fk"),
        ),
        EnableRLS("switch"),
        EnableRLS("switchhistoryevent", append_only=True),
        EnableRLS("batch"),
        EnableRLS("segment"),
        EnableRLS("rollup", append_only=True),
        EnableRLS("hourtotal", append_only=True),
    ]

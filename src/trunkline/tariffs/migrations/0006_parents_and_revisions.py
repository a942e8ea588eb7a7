"""Parents of tariffs, and which rates each revision of a tariff changed."""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import trunkline.kit.db.scope
import trunkline.kit.models
from trunkline.kit.db.rls import EnableRLS


class Migration(migrations.Migration):
    dependencies = [
        ("tariffs", "0005_origins"),
        ("tenancy", "0003_history_and_first_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="TariffRevision",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("revision", models.PositiveIntegerField()),
                ("before", models.UUIDField(help_text="Stamp of the tariff before it.")),
                ("stamp", models.UUIDField(help_text="Stamp of the tariff since.")),
                ("first_id", models.BigIntegerField(blank=True, null=True)),
                ("last_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "touched",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "tariff",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.tariff",
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
        pgtrigger.migrations.RemoveTrigger(
            model_name="tariff",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="tariff",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="tariff",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="tariff",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="tariffs.tariff",
            ),
        ),
        migrations.AddField(
            model_name="tariffhistoryevent",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="tariffs.tariff",
            ),
        ),
        migrations.AddIndex(
            model_name="tariff",
            index=models.Index(fields=["tenant", "parent"], name="tariffs_tariff_parent"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariff",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "origin_deck_id", "parent_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "stamp", "tenant_id", "timezone", "unit") VALUES (NEW."created_at", NEW."currency", NEW."id", NEW."name", NEW."origin_deck_id", NEW."parent_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."revision", NEW."stamp", NEW."tenant_id", NEW."timezone", NEW."unit"); RETURN NULL;',
                    hash="d7342d54a6551cd0a69863a7c9d399ef48d3710b",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_9e26c",
                    table="tariffs_tariff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariff",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "origin_deck_id", "parent_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "stamp", "tenant_id", "timezone", "unit") VALUES (NEW."created_at", NEW."currency", NEW."id", NEW."name", NEW."origin_deck_id", NEW."parent_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."revision", NEW."stamp", NEW."tenant_id", NEW."timezone", NEW."unit"); RETURN NULL;',
                    hash="54c7099c632c9b8b233ee22657fddca0ada19dda",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d716d",
                    table="tariffs_tariff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariff",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "origin_deck_id", "parent_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "stamp", "tenant_id", "timezone", "unit") VALUES (OLD."created_at", OLD."currency", OLD."id", OLD."name", OLD."origin_deck_id", OLD."parent_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."revision", OLD."stamp", OLD."tenant_id", OLD."timezone", OLD."unit"); RETURN NULL;',
                    hash="ed2a1400e6d3b1d6ee230e8e01a591f392d827ec",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a9a96",
                    table="tariffs_tariff",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="tariff",
            constraint=trunkline.kit.models.TenantForeignKey(field="parent", name="tariffs_tariff_parent_fk"),
        ),
        migrations.AddConstraint(
            model_name="tariff",
            constraint=models.CheckConstraint(
                condition=models.Q(("parent", models.F("id")), _negated=True), name="tariffs_tariff_not_its_own_parent"
            ),
        ),
        migrations.AddConstraint(
            model_name="tariffrevision",
            constraint=models.UniqueConstraint(
                fields=("tenant", "tariff", "stamp"), name="tariffs_tariffrevision_stamp"
            ),
        ),
        migrations.AddConstraint(
            model_name="tariffrevision",
            constraint=trunkline.kit.models.TenantForeignKey(field="tariff", name="tariffs_tariffrevision_tariff_fk"),
        ),
        migrations.AddConstraint(
            model_name="tariffrevision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("first_id__isnull", True), ("last_id__isnull", True)),
                    ("first_id__lte", models.F("last_id")),
                    _connector="OR",
                ),
                name="tariffs_tariffrevision_ids",
            ),
        ),
        EnableRLS("tariffrevision"),
    ]

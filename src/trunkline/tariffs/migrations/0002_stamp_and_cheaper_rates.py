from __future__ import annotations

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import trunkline.core.ids
import trunkline.kit.db.scope


class Migration(migrations.Migration):
    dependencies = [
        ("tariffs", "0001_initial"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
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
        migrations.RemoveConstraint(
            model_name="rate",
            name="tariffs_rate_steps",
        ),
        migrations.AddField(
            model_name="tariff",
            name="stamp",
            field=models.UUIDField(
                default=trunkline.core.ids.uuid7, editable=False, help_text="New with every revision."
            ),
        ),
        migrations.AddField(
            model_name="tariffhistoryevent",
            name="stamp",
            field=models.UUIDField(
                default=trunkline.core.ids.uuid7, editable=False, help_text="New with every revision."
            ),
        ),
        migrations.AlterField(
            model_name="rate",
            name="tenant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                default=trunkline.kit.db.scope.current_tenant_id,
                editable=False,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="tenancy.tenant",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariff",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "stamp", "tenant_id", "timezone", "unit") VALUES (NEW."created_at", NEW."currency", NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."revision", NEW."stamp", NEW."tenant_id", NEW."timezone", NEW."unit"); RETURN NULL;',
                    hash="44dbc77e090d0013354af3b71a0f2c9a5f92005f",
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
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "stamp", "tenant_id", "timezone", "unit") VALUES (NEW."created_at", NEW."currency", NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."revision", NEW."stamp", NEW."tenant_id", NEW."timezone", NEW."unit"); RETURN NULL;',
                    hash="e5913f4676e768f2ac96837915139e9cf14c4a1e",
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
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "stamp", "tenant_id", "timezone", "unit") VALUES (OLD."created_at", OLD."currency", OLD."id", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."revision", OLD."stamp", OLD."tenant_id", OLD."timezone", OLD."unit"); RETURN NULL;',
                    hash="f7723f3daf37b5e5a01971d1fade8f297caed20a",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a9a96",
                    table="tariffs_tariff",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("steps__regex", "^0:[-0-9.:/;]+$")), name="tariffs_rate_steps"
            ),
        ),
    ]

"""Groups of destinations, special rates and the rates that they write, the default deck of a tenant."""

import django.db.models.deletion
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import trunkline.core.ids
import trunkline.kit.db.scope
import trunkline.kit.models
import trunkline.tariffs.models
from trunkline.kit.db.rls import EnableRLS

# As the other references of rates (0004), for the few rows that have one; a trigger of its own, so that each can be read by itself.
REFERENCE = """
CREATE FUNCTION tariffs_rate_special_reference() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT tenant_id, special_id AS id FROM changed WHERE special_id IS NOT NULL) c
         WHERE NOT EXISTS (SELECT 1 FROM public.tariffs_specialrate s WHERE s.tenant_id = c.tenant_id AND s.id = c.id)
    ) THEN
        RAISE EXCEPTION 'insert or update on table "tariffs_rate" violates the reference "tariffs_rate_special_fk"'
              USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'tariffs_rate_special_fk', TABLE = 'tariffs_rate';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tariffs_rate_special_inserted AFTER INSERT ON tariffs_rate REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tariffs_rate_special_reference();
CREATE TRIGGER tariffs_rate_special_updated AFTER UPDATE ON tariffs_rate REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tariffs_rate_special_reference();
CREATE TRIGGER tariffs_specialrate_stays BEFORE DELETE ON tariffs_specialrate FOR EACH ROW EXECUTE FUNCTION tariffs_permanent();
CREATE TRIGGER tariffs_specialrate_keeps_its_id AFTER UPDATE OF tenant_id, id ON tariffs_specialrate FOR EACH ROW
    WHEN (OLD.tenant_id <> NEW.tenant_id OR OLD.id <> NEW.id) EXECUTE FUNCTION tariffs_permanent();
CREATE TRIGGER tariffs_specialrate_is_not_emptied BEFORE TRUNCATE ON tariffs_specialrate
    FOR EACH STATEMENT EXECUTE FUNCTION tariffs_permanent();
"""
DROP_REFERENCE = """
DROP TRIGGER tariffs_specialrate_is_not_emptied ON tariffs_specialrate;
DROP TRIGGER tariffs_specialrate_keeps_its_id ON tariffs_specialrate;
DROP TRIGGER tariffs_specialrate_stays ON tariffs_specialrate;
DROP TRIGGER tariffs_rate_special_updated ON tariffs_rate;
DROP TRIGGER tariffs_rate_special_inserted ON tariffs_rate;
DROP FUNCTION tariffs_rate_special_reference();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tariffs", "0006_parents_and_revisions"),
        ("tenancy", "0003_history_and_first_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="DestinationGroup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(help_text="By which it is chosen, such as EEA mobiles.", max_length=120)),
                (
                    "note",
                    models.CharField(
                        blank=True, default="", help_text="What it is for, or who decides on it.", max_length=500
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
            name="DestinationGroupHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(help_text="By which it is chosen, such as EEA mobiles.", max_length=120)),
                (
                    "note",
                    models.CharField(
                        blank=True, default="", help_text="What it is for, or who decides on it.", max_length=500
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
            name="GroupMember",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "destination",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.destination",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.destinationgroup",
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
            name="GroupMemberHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                (
                    "destination",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="tariffs.destination",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="tariffs.destinationgroup",
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
            name="SpecialRate",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                ("steps", models.TextField()),
                ("setup_fee", trunkline.kit.models.PriceField(default=trunkline.tariffs.models.no_fee)),
                ("grace", models.PositiveBigIntegerField(default=0, help_text="A smaller quantity is free.")),
                ("valid_from", models.DateTimeField(help_text="When it begins.")),
                ("valid_to", models.DateTimeField(blank=True, help_text="When it ends; empty: open.", null=True)),
                (
                    "note",
                    models.CharField(blank=True, default="", help_text="Why there is this price.", max_length=500),
                ),
                ("created_at", models.DateTimeField(editable=False)),
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
                    "group",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.destinationgroup",
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
        migrations.CreateModel(
            name="SpecialRateHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                ("steps", models.TextField()),
                ("setup_fee", trunkline.kit.models.PriceField(default=trunkline.tariffs.models.no_fee)),
                ("grace", models.PositiveBigIntegerField(default=0, help_text="A smaller quantity is free.")),
                ("valid_from", models.DateTimeField(help_text="When it begins.")),
                ("valid_to", models.DateTimeField(blank=True, help_text="When it ends; empty: open.", null=True)),
                (
                    "note",
                    models.CharField(blank=True, default="", help_text="Why there is this price.", max_length=500),
                ),
                ("created_at", models.DateTimeField(editable=False)),
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
                    "destination",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="tariffs.destination",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="tariffs.destinationgroup",
                    ),
                ),
                (
                    "tariff",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="tariffs.tariff",
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
        pgtrigger.migrations.RemoveTrigger(
            model_name="codedeck",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="codedeck",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="codedeck",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="codedeck",
            name="is_default",
            field=models.BooleanField(
                default=False, help_text="Destinations that a sheet names without codes have those of this deck."
            ),
        ),
        migrations.AddField(
            model_name="codedeckhistoryevent",
            name="is_default",
            field=models.BooleanField(
                default=False, help_text="Destinations that a sheet names without codes have those of this deck."
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="codedeck",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_codedeckhistoryevent" ("id", "is_default", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."id", NEW."is_default", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."tenant_id"); RETURN NULL;',
                    hash="6f612e3a94d873e567a72de65bc76335f042c668",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_0ee77",
                    table="tariffs_codedeck",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="codedeck",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "tariffs_codedeckhistoryevent" ("id", "is_default", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."id", NEW."is_default", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."tenant_id"); RETURN NULL;',
                    hash="e94ea62ff75b0b7dabcefcaea0342d0f4799ee03",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_f62c2",
                    table="tariffs_codedeck",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="codedeck",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_codedeckhistoryevent" ("id", "is_default", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (OLD."id", OLD."is_default", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."tenant_id"); RETURN NULL;',
                    hash="6a7bbaa5da552642c67b26de232dff1cceae2243",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_e7d1a",
                    table="tariffs_codedeck",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="codedeck",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)), fields=("tenant",), name="tariffs_codedeck_default"
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="special",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="tariffs.specialrate",
            ),
        ),
        migrations.AddIndex(
            model_name="rate",
            index=models.Index(
                condition=models.Q(("special__isnull", False)),
                fields=["tenant", "special"],
                name="tariffs_rate_special",
            ),
        ),
        migrations.AddConstraint(
            model_name="destinationgroup",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="tariffs_destinationgroup_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="destinationgroup",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="tariffs_destinationgroup_name"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="destinationgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_destinationgrouphistoryevent" ("id", "name", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."id", NEW."name", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."tenant_id"); RETURN NULL;',
                    hash="b466dd5e41ff573ae4127d33d12b88bbea949b4f",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_2ee41",
                    table="tariffs_destinationgroup",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="destinationgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "tariffs_destinationgrouphistoryevent" ("id", "name", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."id", NEW."name", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."tenant_id"); RETURN NULL;',
                    hash="3fbd5022118bcc301c1b609483d4802067950826",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_ab37c",
                    table="tariffs_destinationgroup",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="destinationgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_destinationgrouphistoryevent" ("id", "name", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (OLD."id", OLD."name", OLD."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."tenant_id"); RETURN NULL;',
                    hash="9ffc752cc45754b887513b79624ebdd8ee5a3891",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_df6df",
                    table="tariffs_destinationgroup",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="groupmember",
            index=models.Index(fields=["tenant", "destination"], name="tariffs_groupmember_dest"),
        ),
        migrations.AddConstraint(
            model_name="groupmember",
            constraint=models.UniqueConstraint(
                fields=("tenant", "group", "destination"), name="tariffs_groupmember_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="groupmember",
            constraint=trunkline.kit.models.TenantForeignKey(field="group", name="tariffs_groupmember_group_fk"),
        ),
        migrations.AddConstraint(
            model_name="groupmember",
            constraint=trunkline.kit.models.TenantForeignKey(
                field="destination", name="tariffs_groupmember_destination_fk"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="groupmember",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_groupmemberhistoryevent" ("destination_id", "group_id", "id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."destination_id", NEW."group_id", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."tenant_id"); RETURN NULL;',
                    hash="d6e55a7a662e1d59f6f16b63ca59b71a9646f90d",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_10e63",
                    table="tariffs_groupmember",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="groupmember",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "tariffs_groupmemberhistoryevent" ("destination_id", "group_id", "id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."destination_id", NEW."group_id", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."tenant_id"); RETURN NULL;',
                    hash="4147a9c16346e7c3293d57e966f7f0a6ef2e5809",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_19f71",
                    table="tariffs_groupmember",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="groupmember",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_groupmemberhistoryevent" ("destination_id", "group_id", "id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (OLD."destination_id", OLD."group_id", OLD."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."tenant_id"); RETURN NULL;',
                    hash="158b392bdaff3ca6ab00f1642f1b52ff5f312120",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d967e",
                    table="tariffs_groupmember",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="specialrate",
            index=models.Index(fields=["tenant", "tariff"], name="tariffs_specialrate_tariff"),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="tariffs_specialrate_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=models.UniqueConstraint(fields=("tenant", "public_id"), name="tariffs_specialrate_public_id"),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=trunkline.kit.models.TenantForeignKey(field="tariff", name="tariffs_specialrate_tariff_fk"),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=trunkline.kit.models.TenantForeignKey(field="deck", name="tariffs_specialrate_deck_fk"),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=trunkline.kit.models.TenantForeignKey(
                field="destination", name="tariffs_specialrate_destination_fk"
            ),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=trunkline.kit.models.TenantForeignKey(field="group", name="tariffs_specialrate_group_fk"),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=models.CheckConstraint(
                condition=models.Q(("destination__isnull", False), ("group__isnull", False), _connector="OR"),
                name="tariffs_specialrate_target",
            ),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=models.CheckConstraint(
                condition=models.Q(("steps__regex", "^0:[-0-9.:/;]+$")), name="tariffs_specialrate_steps"
            ),
        ),
        migrations.AddConstraint(
            model_name="specialrate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_from__lte", models.F("valid_to")), _connector="OR"
                ),
                name="tariffs_specialrate_validity",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="specialrate",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_specialratehistoryevent" ("created_at", "deck_id", "destination_id", "grace", "group_id", "id", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "setup_fee", "steps", "tariff_id", "tenant_id", "valid_from", "valid_to") VALUES (NEW."created_at", NEW."deck_id", NEW."destination_id", NEW."grace", NEW."group_id", NEW."id", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."setup_fee", NEW."steps", NEW."tariff_id", NEW."tenant_id", NEW."valid_from", NEW."valid_to"); RETURN NULL;',
                    hash="cbdb35ef9a32c883550073d66fe1e0835587aad0",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_016b0",
                    table="tariffs_specialrate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="specialrate",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "tariffs_specialratehistoryevent" ("created_at", "deck_id", "destination_id", "grace", "group_id", "id", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "setup_fee", "steps", "tariff_id", "tenant_id", "valid_from", "valid_to") VALUES (NEW."created_at", NEW."deck_id", NEW."destination_id", NEW."grace", NEW."group_id", NEW."id", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."setup_fee", NEW."steps", NEW."tariff_id", NEW."tenant_id", NEW."valid_from", NEW."valid_to"); RETURN NULL;',
                    hash="99b38a4b7c23f3dd39d7705689bdc247ae0c18b6",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_33186",
                    table="tariffs_specialrate",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="specialrate",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_specialratehistoryevent" ("created_at", "deck_id", "destination_id", "grace", "group_id", "id", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "setup_fee", "steps", "tariff_id", "tenant_id", "valid_from", "valid_to") VALUES (OLD."created_at", OLD."deck_id", OLD."destination_id", OLD."grace", OLD."group_id", OLD."id", OLD."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."setup_fee", OLD."steps", OLD."tariff_id", OLD."tenant_id", OLD."valid_from", OLD."valid_to"); RETURN NULL;',
                    hash="5e8c10e90056d1b636e21349bf2411f28a73657b",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_af469",
                    table="tariffs_specialrate",
                    when="AFTER",
                ),
            ),
        ),
        EnableRLS("destinationgroup"),
        EnableRLS("destinationgrouphistoryevent", append_only=True),
        EnableRLS("groupmember"),
        EnableRLS("groupmemberhistoryevent", append_only=True),
        EnableRLS("specialrate"),
        EnableRLS("specialratehistoryevent", append_only=True),
        migrations.RunSQL(REFERENCE, DROP_REFERENCE),
    ]

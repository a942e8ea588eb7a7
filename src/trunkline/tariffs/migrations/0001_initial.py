from __future__ import annotations

from decimal import Decimal

import django.contrib.postgres.constraints
import django.db.models.deletion
import django.db.models.expressions
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import trunkline.core.ids
import trunkline.kit.db.scope
import trunkline.kit.models
import trunkline.tariffs.models
from trunkline.kit.db.rls import EnableRLS


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("parties", "0001_initial"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CodeDeck",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=120)),
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
            name="CodeDeckHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=120)),
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
            name="Destination",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "country",
                    models.CharField(
                        blank=True, default="", help_text="ISO 3166 code; empty: none or several.", max_length=2
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("fixed", "Fixed"),
                            ("mobile", "Mobile"),
                            ("special", "Special"),
                            ("toll_free", "Toll free"),
                            ("other", "Other"),
                        ],
                        default="other",
                        max_length=12,
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
            name="Code",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=18)),
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
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.destination",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExchangeRate",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("base", models.CharField(max_length=3)),
                ("quote", models.CharField(max_length=3)),
                ("on", models.DateField()),
                ("rate", models.DecimalField(decimal_places=12, max_digits=24)),
                ("source", models.CharField(default="manual", max_length=40)),
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
            name="Tariff",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                ("name", models.CharField(max_length=120)),
                ("currency", models.CharField(help_text="Currency of its prices; never changes.", max_length=3)),
                (
                    "timezone",
                    models.CharField(
                        default="UTC", help_text="IANA zone of its time profiles and dates.", max_length=64
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        choices=[("second", "Second"), ("octet", "Octet"), ("message", "Message")],
                        default="second",
                        max_length=8,
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
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
            name="AccountTariffHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("side", models.CharField(choices=[("sell", "Sell"), ("buy", "Buy")], max_length=4)),
                (
                    "service",
                    models.CharField(
                        choices=[("voice", "Voice"), ("sms", "SMS"), ("data", "Data"), ("event", "Event")],
                        default="voice",
                        max_length=8,
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(help_text="The lower number is asked first.")),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="parties.account",
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
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AccountTariff",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("side", models.CharField(choices=[("sell", "Sell"), ("buy", "Buy")], max_length=4)),
                (
                    "service",
                    models.CharField(
                        choices=[("voice", "Voice"), ("sms", "SMS"), ("data", "Data"), ("event", "Event")],
                        default="voice",
                        max_length=8,
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(help_text="The lower number is asked first.")),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
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
                    "tariff",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.tariff",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TariffHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                ("name", models.CharField(max_length=120)),
                ("currency", models.CharField(help_text="Currency of its prices; never changes.", max_length=3)),
                (
                    "timezone",
                    models.CharField(
                        default="UTC", help_text="IANA zone of its time profiles and dates.", max_length=64
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        choices=[("second", "Second"), ("octet", "Octet"), ("message", "Message")],
                        default="second",
                        max_length=8,
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
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
            name="TimeProfile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                ("windows", models.JSONField(default=list)),
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
            name="Rate",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "code",
                    models.CharField(
                        blank=True, help_text="What numbers begin with; empty: every number.", max_length=18
                    ),
                ),
                ("steps", models.TextField()),
                ("setup_fee", trunkline.kit.models.PriceField(default=trunkline.tariffs.models.no_fee)),
                ("grace", models.PositiveBigIntegerField(default=0, help_text="A smaller quantity is free.")),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_to", models.DateTimeField(blank=True, null=True)),
                ("weight", models.DecimalField(decimal_places=4, default=Decimal("10"), max_digits=12)),
                (
                    "rounding_mode",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "half_up"), (1, "half_even"), (2, "up"), (3, "down")], default=0
                    ),
                ),
                ("rounding_decimals", models.PositiveSmallIntegerField(default=8)),
                ("max_cost", trunkline.kit.models.AmountField(blank=True, null=True)),
                ("blocked", models.BooleanField(default=False)),
                ("tag", models.CharField(blank=True, max_length=60, null=True)),
                ("length_min", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("length_max", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("additive", models.BooleanField(default=False)),
                ("voided_at", models.DateTimeField(blank=True, null=True)),
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
                    "time_profile",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tariffs.timeprofile",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TimeProfileHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=60)),
                ("windows", models.JSONField(default=list)),
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
        migrations.AddConstraint(
            model_name="codedeck",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="tariffs_codedeck_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="codedeck",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="tariffs_codedeck_name"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="codedeck",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_codedeckhistoryevent" ("id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."tenant_id"); RETURN NULL;',
                    hash="56860076c5cb6791ae05a91c480c390f027afca2",
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
                    func='INSERT INTO "tariffs_codedeckhistoryevent" ("id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."tenant_id"); RETURN NULL;',
                    hash="04bbe310dcd96655cb6f4b2d58809cb36752c845",
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
                    func='INSERT INTO "tariffs_codedeckhistoryevent" ("id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id") VALUES (OLD."id", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."tenant_id"); RETURN NULL;',
                    hash="fde20b3af3a652c32179d104687b4dcbb3cd108d",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_e7d1a",
                    table="tariffs_codedeck",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="tariffs_destination_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="tariffs_destination_name"),
        ),
        migrations.AddIndex(
            model_name="code",
            index=models.Index(fields=["tenant", "destination"], name="tariffs_code_destination"),
        ),
        migrations.AddConstraint(
            model_name="code",
            constraint=models.UniqueConstraint(fields=("tenant", "deck", "code"), name="tariffs_code_deck_code"),
        ),
        migrations.AddConstraint(
            model_name="code",
            constraint=trunkline.kit.models.TenantForeignKey(field="deck", name="tariffs_code_deck_fk"),
        ),
        migrations.AddConstraint(
            model_name="code",
            constraint=trunkline.kit.models.TenantForeignKey(field="destination", name="tariffs_code_destination_fk"),
        ),
        migrations.AddConstraint(
            model_name="code",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__regex", "^[0-9]*$")), name="tariffs_code_digits"
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangerate",
            constraint=models.UniqueConstraint(
                fields=("tenant", "base", "quote", "on"), name="tariffs_exchangerate_pair_on"
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangerate",
            constraint=models.CheckConstraint(
                condition=models.Q(("rate__gt", 0)), name="tariffs_exchangerate_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangerate",
            constraint=models.CheckConstraint(
                condition=models.Q(("base", models.F("quote")), _negated=True), name="tariffs_exchangerate_pair"
            ),
        ),
        migrations.AddConstraint(
            model_name="tariff",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="tariffs_tariff_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="tariff",
            constraint=models.UniqueConstraint(fields=("tenant", "public_id"), name="tariffs_tariff_public_id"),
        ),
        migrations.AddConstraint(
            model_name="tariff",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="tariffs_tariff_name"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tariff",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "tenant_id", "timezone", "unit") VALUES (NEW."created_at", NEW."currency", NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."revision", NEW."tenant_id", NEW."timezone", NEW."unit"); RETURN NULL;',
                    hash="3bf7810b84ef0330e8cea88e96fa089da54e9c10",
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
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "tenant_id", "timezone", "unit") VALUES (NEW."created_at", NEW."currency", NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."revision", NEW."tenant_id", NEW."timezone", NEW."unit"); RETURN NULL;',
                    hash="f37499c429fa674aeda774e43aa8c259db85e750",
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
                    func='INSERT INTO "tariffs_tariffhistoryevent" ("created_at", "currency", "id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "revision", "tenant_id", "timezone", "unit") VALUES (OLD."created_at", OLD."currency", OLD."id", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."revision", OLD."tenant_id", OLD."timezone", OLD."unit"); RETURN NULL;',
                    hash="24640ec2bb135cd300171f14cb76315bfe78fcb5",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_a9a96",
                    table="tariffs_tariff",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="accounttariff",
            index=models.Index(fields=["tenant", "tariff"], name="tariffs_accounttariff_tariff"),
        ),
        migrations.AddConstraint(
            model_name="accounttariff",
            constraint=trunkline.kit.models.TenantForeignKey(field="account", name="tariffs_accounttariff_account_fk"),
        ),
        migrations.AddConstraint(
            model_name="accounttariff",
            constraint=trunkline.kit.models.TenantForeignKey(field="tariff", name="tariffs_accounttariff_tariff_fk"),
        ),
        migrations.AddConstraint(
            model_name="accounttariff",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from__isnull", True),
                    ("valid_to__isnull", True),
                    ("valid_from__lte", models.F("valid_to")),
                    _connector="OR",
                ),
                name="tariffs_accounttariff_validity",
            ),
        ),
        migrations.AddConstraint(
            model_name="accounttariff",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (
                        models.Func(models.F("tenant"), models.F("tenant"), models.Value("[]"), function="int8range"),
                        "=",
                    ),
                    (
                        models.Func(models.F("account"), models.F("account"), models.Value("[]"), function="int8range"),
                        "=",
                    ),
                    (
                        models.Func(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("position"), "*", models.Value(8)
                                    ),
                                    "+",
                                    django.db.models.expressions.CombinedExpression(
                                        models.Case(
                                            models.When(service="voice", then=models.Value(0)),
                                            models.When(service="sms", then=models.Value(1)),
                                            models.When(service="data", then=models.Value(2)),
                                            default=models.Value(3),
                                        ),
                                        "*",
                                        models.Value(2),
                                    ),
                                ),
                                "+",
                                models.Case(models.When(side="buy", then=models.Value(1)), default=models.Value(0)),
                            ),
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("position"), "*", models.Value(8)
                                    ),
                                    "+",
                                    django.db.models.expressions.CombinedExpression(
                                        models.Case(
                                            models.When(service="voice", then=models.Value(0)),
                                            models.When(service="sms", then=models.Value(1)),
                                            models.When(service="data", then=models.Value(2)),
                                            default=models.Value(3),
                                        ),
                                        "*",
                                        models.Value(2),
                                    ),
                                ),
                                "+",
                                models.Case(models.When(side="buy", then=models.Value(1)), default=models.Value(0)),
                            ),
                            models.Value("[]"),
                            function="int4range",
                        ),
                        "=",
                    ),
                    (models.Func(models.F("valid_from"), models.F("valid_to"), function="tstzrange"), "&&"),
                ],
                name="tariffs_accounttariff_place_is_taken",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="accounttariff",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_accounttariffhistoryevent" ("account_id", "id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "position", "service", "side", "tariff_id", "tenant_id", "valid_from", "valid_to") VALUES (NEW."account_id", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."position", NEW."service", NEW."side", NEW."tariff_id", NEW."tenant_id", NEW."valid_from", NEW."valid_to"); RETURN NULL;',
                    hash="a224308d277bc3e1c5279fb66187a1e6cd024b8e",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e94d5",
                    table="tariffs_accounttariff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="accounttariff",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "tariffs_accounttariffhistoryevent" ("account_id", "id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "position", "service", "side", "tariff_id", "tenant_id", "valid_from", "valid_to") VALUES (NEW."account_id", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."position", NEW."service", NEW."side", NEW."tariff_id", NEW."tenant_id", NEW."valid_from", NEW."valid_to"); RETURN NULL;',
                    hash="daa99d5ca4cf38c79e82a2d7b9ad801c5d03998e",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e68e3",
                    table="tariffs_accounttariff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="accounttariff",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_accounttariffhistoryevent" ("account_id", "id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "position", "service", "side", "tariff_id", "tenant_id", "valid_from", "valid_to") VALUES (OLD."account_id", OLD."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."position", OLD."service", OLD."side", OLD."tariff_id", OLD."tenant_id", OLD."valid_from", OLD."valid_to"); RETURN NULL;',
                    hash="bc447e9b16704469eef7e801a4eb8b30d450e404",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_8960a",
                    table="tariffs_accounttariff",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="timeprofile",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="tariffs_timeprofile_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="timeprofile",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="tariffs_timeprofile_name"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="timeprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_timeprofilehistoryevent" ("id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id", "windows") VALUES (NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."tenant_id", NEW."windows"); RETURN NULL;',
                    hash="49317f73ee7e5bd6fb479ecaf8edde49e9cfe226",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_651c0",
                    table="tariffs_timeprofile",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="timeprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "tariffs_timeprofilehistoryevent" ("id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id", "windows") VALUES (NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."tenant_id", NEW."windows"); RETURN NULL;',
                    hash="d2752ebbc3b917e5bf420942a77f2eca937bf1b8",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_4142b",
                    table="tariffs_timeprofile",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="timeprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tariffs_timeprofilehistoryevent" ("id", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tenant_id", "windows") VALUES (OLD."id", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."tenant_id", OLD."windows"); RETURN NULL;',
                    hash="5323c57f82064f5721d5c0ceb461b1d0a2cf4aa3",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_b42d1",
                    table="tariffs_timeprofile",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="rate",
            index=models.Index(fields=["tenant", "tariff", "code"], name="tariffs_rate_tariff_code"),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="tariffs_rate_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=trunkline.kit.models.TenantForeignKey(field="tariff", name="tariffs_rate_tariff_fk"),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=trunkline.kit.models.TenantForeignKey(field="destination", name="tariffs_rate_destination_fk"),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=trunkline.kit.models.TenantForeignKey(field="time_profile", name="tariffs_rate_time_profile_fk"),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__regex", "^[0-9]*$")), name="tariffs_rate_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "steps__regex",
                        "^0:-?[0-9]+(\\.[0-9]{1,10})?/[0-9]+/[0-9]+(;[0-9]+:-?[0-9]+(\\.[0-9]{1,10})?/[0-9]+/[0-9]+)*$",
                    )
                ),
                name="tariffs_rate_steps",
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from__isnull", True),
                    ("valid_to__isnull", True),
                    ("valid_from__lt", models.F("valid_to")),
                    _connector="OR",
                ),
                name="tariffs_rate_validity",
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(("rounding_decimals__lte", 8)), name="tariffs_rate_rounding_decimals"
            ),
        ),
        EnableRLS("codedeck"),
        EnableRLS("destination"),
        EnableRLS("code"),
        EnableRLS("timeprofile"),
        EnableRLS("tariff"),
        EnableRLS("rate"),
        EnableRLS("exchangerate"),
        EnableRLS("accounttariff"),
        EnableRLS("codedeckhistoryevent", append_only=True),
        EnableRLS("timeprofilehistoryevent", append_only=True),
        EnableRLS("tariffhistoryevent", append_only=True),
        EnableRLS("accounttariffhistoryevent", append_only=True),
    ]

from __future__ import annotations

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import trunkline.core.ids
import trunkline.core.money
import trunkline.kit.db.scope
import trunkline.kit.models
from trunkline.kit.db.rls import EnableRLS


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("ledger", "0002_guards"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                (
                    "code",
                    models.CharField(
                        help_text="Short name for commands and ledger accounts; never changes.", max_length=60
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("is_customer", models.BooleanField(default=True)),
                ("is_vendor", models.BooleanField(default=False)),
                (
                    "currency",
                    models.CharField(help_text="Currency of its balance and invoices; never changes.", max_length=3),
                ),
                ("timezone", models.CharField(help_text="IANA zone of its days and invoice periods.", max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended"), ("closed", "Closed")],
                        default="active",
                        max_length=12,
                    ),
                ),
                (
                    "closed_on",
                    models.DateField(
                        blank=True, help_text="First local day on which it is no longer served.", null=True
                    ),
                ),
                (
                    "credit_limit",
                    trunkline.kit.models.AmountField(
                        default=trunkline.core.money.Amount.zero, help_text="How far its balance may go against us."
                    ),
                ),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        blank=True, help_text="Simultaneous calls; empty: no limit.", null=True
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                (
                    "parent",
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
                    "payable",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="ledger.ledgeraccount",
                    ),
                ),
                (
                    "receivable",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="ledger.ledgeraccount",
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
                    "unbilled_payable",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="ledger.ledgeraccount",
                    ),
                ),
                (
                    "unbilled_receivable",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="ledger.ledgeraccount",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BillingProfile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "code",
                    models.CharField(
                        help_text="Short name for commands; that of the account it was made for.", max_length=60
                    ),
                ),
                ("name", models.CharField(help_text="The name in the invoice's address.", max_length=200)),
                (
                    "address",
                    models.TextField(
                        blank=True, default="", help_text="The lines below the name, as they are printed."
                    ),
                ),
                (
                    "tax_number",
                    models.CharField(blank=True, default="", help_text="VAT or other tax number.", max_length=60),
                ),
                (
                    "tax_name",
                    models.CharField(
                        blank=True, default="", help_text="The tax on the invoice, such as VAT.", max_length=40
                    ),
                ),
                (
                    "tax_percent",
                    models.DecimalField(decimal_places=6, default=0, help_text="Percent of the net.", max_digits=9),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("day", "Day"), ("week", "Week"), ("half_month", "Half month"), ("month", "Month")],
                        default="month",
                        max_length=12,
                    ),
                ),
                (
                    "payment_terms_days",
                    models.PositiveSmallIntegerField(default=30, help_text="Days from invoice to due date."),
                ),
                ("language", models.CharField(default="en", help_text="Language of the documents.", max_length=10)),
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
            name="AccountHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                (
                    "code",
                    models.CharField(
                        help_text="Short name for commands and ledger accounts; never changes.", max_length=60
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("is_customer", models.BooleanField(default=True)),
                ("is_vendor", models.BooleanField(default=False)),
                (
                    "currency",
                    models.CharField(help_text="Currency of its balance and invoices; never changes.", max_length=3),
                ),
                ("timezone", models.CharField(help_text="IANA zone of its days and invoice periods.", max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended"), ("closed", "Closed")],
                        default="active",
                        max_length=12,
                    ),
                ),
                (
                    "closed_on",
                    models.DateField(
                        blank=True, help_text="First local day on which it is no longer served.", null=True
                    ),
                ),
                (
                    "credit_limit",
                    trunkline.kit.models.AmountField(
                        default=trunkline.core.money.Amount.zero, help_text="How far its balance may go against us."
                    ),
                ),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        blank=True, help_text="Simultaneous calls; empty: no limit.", null=True
                    ),
                ),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="parties.account",
                    ),
                ),
                (
                    "payable",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="ledger.ledgeraccount",
                    ),
                ),
                (
                    "receivable",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="ledger.ledgeraccount",
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
                    "unbilled_payable",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="ledger.ledgeraccount",
                    ),
                ),
                (
                    "unbilled_receivable",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="ledger.ledgeraccount",
                    ),
                ),
                (
                    "billing_profile",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="parties.billingprofile",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="account",
            name="billing_profile",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="parties.billingprofile",
            ),
        ),
        migrations.CreateModel(
            name="BillingProfileHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                (
                    "code",
                    models.CharField(
                        help_text="Short name for commands; that of the account it was made for.", max_length=60
                    ),
                ),
                ("name", models.CharField(help_text="The name in the invoice's address.", max_length=200)),
                (
                    "address",
                    models.TextField(
                        blank=True, default="", help_text="The lines below the name, as they are printed."
                    ),
                ),
                (
                    "tax_number",
                    models.CharField(blank=True, default="", help_text="VAT or other tax number.", max_length=60),
                ),
                (
                    "tax_name",
                    models.CharField(
                        blank=True, default="", help_text="The tax on the invoice, such as VAT.", max_length=40
                    ),
                ),
                (
                    "tax_percent",
                    models.DecimalField(decimal_places=6, default=0, help_text="Percent of the net.", max_digits=9),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("day", "Day"), ("week", "Week"), ("half_month", "Half month"), ("month", "Month")],
                        default="month",
                        max_length=12,
                    ),
                ),
                (
                    "payment_terms_days",
                    models.PositiveSmallIntegerField(default=30, help_text="Days from invoice to due date."),
                ),
                ("language", models.CharField(default="en", help_text="Language of the documents.", max_length=10)),
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
            name="Contact",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("billing", "Billing"),
                            ("technical", "Technical"),
                            ("rates", "Rates"),
                            ("disputes", "Disputes"),
                            ("general", "General"),
                        ],
                        default="general",
                        max_length=12,
                    ),
                ),
                ("email", models.EmailField(blank=True, default="", max_length=254)),
                ("phone", models.CharField(blank=True, default="", max_length=40)),
                ("note", models.TextField(blank=True, default="")),
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
            ],
        ),
        migrations.CreateModel(
            name="ContactHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(max_length=200)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("billing", "Billing"),
                            ("technical", "Technical"),
                            ("rates", "Rates"),
                            ("disputes", "Disputes"),
                            ("general", "General"),
                        ],
                        default="general",
                        max_length=12,
                    ),
                ),
                ("email", models.EmailField(blank=True, default="", max_length=254)),
                ("phone", models.CharField(blank=True, default="", max_length=40)),
                ("note", models.TextField(blank=True, default="")),
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
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Identity",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("trunk", "Trunk"),
                            ("ip", "IP or network"),
                            ("account_code", "Account code"),
                            ("calling", "Calling number"),
                            ("sip_user", "SIP user"),
                        ],
                        max_length=12,
                    ),
                ),
                ("side", models.CharField(choices=[("sell", "Sell"), ("buy", "Buy"), ("both", "Both")], max_length=4)),
                (
                    "switch",
                    models.CharField(blank=True, help_text="Name of the switch; empty: any.", max_length=60, null=True),
                ),
                (
                    "value",
                    models.CharField(
                        help_text="The name, number, address or network, as one writes it.", max_length=200
                    ),
                ),
                (
                    "tech_prefix",
                    models.CharField(
                        blank=True, default="", help_text="What called numbers begin with.", max_length=32
                    ),
                ),
                ("priority", models.PositiveSmallIntegerField(default=100, help_text="The lower number wins.")),
                ("valid_from", models.DateTimeField(blank=True, help_text="Empty: always was.", null=True)),
                (
                    "valid_to",
                    models.DateTimeField(blank=True, help_text="The first instant after it; empty: open.", null=True),
                ),
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
            ],
            options={
                "verbose_name_plural": "identities",
            },
        ),
        migrations.CreateModel(
            name="IdentityHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("trunk", "Trunk"),
                            ("ip", "IP or network"),
                            ("account_code", "Account code"),
                            ("calling", "Calling number"),
                            ("sip_user", "SIP user"),
                        ],
                        max_length=12,
                    ),
                ),
                ("side", models.CharField(choices=[("sell", "Sell"), ("buy", "Buy"), ("both", "Both")], max_length=4)),
                (
                    "switch",
                    models.CharField(blank=True, help_text="Name of the switch; empty: any.", max_length=60, null=True),
                ),
                (
                    "value",
                    models.CharField(
                        help_text="The name, number, address or network, as one writes it.", max_length=200
                    ),
                ),
                (
                    "tech_prefix",
                    models.CharField(
                        blank=True, default="", help_text="What called numbers begin with.", max_length=32
                    ),
                ),
                ("priority", models.PositiveSmallIntegerField(default=100, help_text="The lower number wins.")),
                ("valid_from", models.DateTimeField(blank=True, help_text="Empty: always was.", null=True)),
                (
                    "valid_to",
                    models.DateTimeField(blank=True, help_text="The first instant after it; empty: open.", null=True),
                ),
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
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="billingprofile",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="parties_billingprofile_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="billingprofile",
            constraint=models.UniqueConstraint(fields=("tenant", "code"), name="parties_billingprofile_code"),
        ),
        migrations.AddConstraint(
            model_name="billingprofile",
            constraint=models.CheckConstraint(
                condition=models.Q(("tax_percent__gte", 0), ("tax_percent__lte", 1000)),
                name="parties_billingprofile_tax_percent",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="billingprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "parties_billingprofilehistoryevent" ("address", "code", "id", "language", "name", "payment_terms_days", "period", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tax_name", "tax_number", "tax_percent", "tenant_id") VALUES (NEW."address", NEW."code", NEW."id", NEW."language", NEW."name", NEW."payment_terms_days", NEW."period", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."tax_name", NEW."tax_number", NEW."tax_percent", NEW."tenant_id"); RETURN NULL;',
                    hash="7556e7e17fbf0f00dd5b14a25abf626848ffb6f9",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_3033b",
                    table="parties_billingprofile",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="billingprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "parties_billingprofilehistoryevent" ("address", "code", "id", "language", "name", "payment_terms_days", "period", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tax_name", "tax_number", "tax_percent", "tenant_id") VALUES (NEW."address", NEW."code", NEW."id", NEW."language", NEW."name", NEW."payment_terms_days", NEW."period", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."tax_name", NEW."tax_number", NEW."tax_percent", NEW."tenant_id"); RETURN NULL;',
                    hash="cfe0c0862f853078a664d0ac17ed282416fafcff",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_19aea",
                    table="parties_billingprofile",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="billingprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "parties_billingprofilehistoryevent" ("address", "code", "id", "language", "name", "payment_terms_days", "period", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "tax_name", "tax_number", "tax_percent", "tenant_id") VALUES (OLD."address", OLD."code", OLD."id", OLD."language", OLD."name", OLD."payment_terms_days", OLD."period", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."tax_name", OLD."tax_number", OLD."tax_percent", OLD."tenant_id"); RETURN NULL;',
                    hash="b1c216ba784c43a36d29b24891565e9042ae9600",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_4c553",
                    table="parties_billingprofile",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["tenant", "parent"], name="parties_account_parent"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="parties_account_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(fields=("tenant", "public_id"), name="parties_account_public_id"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(fields=("tenant", "code"), name="parties_account_code"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=trunkline.kit.models.TenantForeignKey(field="parent", name="parties_account_parent_fk"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=trunkline.kit.models.TenantForeignKey(
                field="billing_profile", name="parties_account_billing_profile_fk"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=trunkline.kit.models.TenantForeignKey(field="receivable", name="parties_account_receivable_fk"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=trunkline.kit.models.TenantForeignKey(
                field="unbilled_receivable", name="parties_account_unbilled_receivable_fk"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=trunkline.kit.models.TenantForeignKey(field="payable", name="parties_account_payable_fk"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=trunkline.kit.models.TenantForeignKey(
                field="unbilled_payable", name="parties_account_unbilled_payable_fk"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_customer", True), ("is_vendor", True), _connector="OR"),
                name="parties_account_has_a_role",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("parent", models.F("id")), _negated=True),
                name="parties_account_is_not_its_own_parent",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_on__isnull", False), ("status", "closed")),
                    models.Q(models.Q(("status", "closed"), _negated=True), ("closed_on__isnull", True)),
                    _connector="OR",
                ),
                name="parties_account_closed_on",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="account",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "parties_accounthistoryevent" ("billing_profile_id", "capacity", "closed_on", "code", "created_at", "credit_limit", "currency", "id", "is_customer", "is_vendor", "name", "parent_id", "payable_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "receivable_id", "status", "tags", "tenant_id", "timezone", "unbilled_payable_id", "unbilled_receivable_id") VALUES (NEW."billing_profile_id", NEW."capacity", NEW."closed_on", NEW."code", NEW."created_at", NEW."credit_limit", NEW."currency", NEW."id", NEW."is_customer", NEW."is_vendor", NEW."name", NEW."parent_id", NEW."payable_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."receivable_id", NEW."status", NEW."tags", NEW."tenant_id", NEW."timezone", NEW."unbilled_payable_id", NEW."unbilled_receivable_id"); RETURN NULL;',
                    hash="c9cefc2ca44c2d05c8ab59242d1dcb7853244123",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_1ebe6",
                    table="parties_account",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="account",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "parties_accounthistoryevent" ("billing_profile_id", "capacity", "closed_on", "code", "created_at", "credit_limit", "currency", "id", "is_customer", "is_vendor", "name", "parent_id", "payable_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "receivable_id", "status", "tags", "tenant_id", "timezone", "unbilled_payable_id", "unbilled_receivable_id") VALUES (NEW."billing_profile_id", NEW."capacity", NEW."closed_on", NEW."code", NEW."created_at", NEW."credit_limit", NEW."currency", NEW."id", NEW."is_customer", NEW."is_vendor", NEW."name", NEW."parent_id", NEW."payable_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."receivable_id", NEW."status", NEW."tags", NEW."tenant_id", NEW."timezone", NEW."unbilled_payable_id", NEW."unbilled_receivable_id"); RETURN NULL;',
                    hash="9098324a1d738c32c51bd65f30da22cdcb262f65",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_607e9",
                    table="parties_account",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="account",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "parties_accounthistoryevent" ("billing_profile_id", "capacity", "closed_on", "code", "created_at", "credit_limit", "currency", "id", "is_customer", "is_vendor", "name", "parent_id", "payable_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "receivable_id", "status", "tags", "tenant_id", "timezone", "unbilled_payable_id", "unbilled_receivable_id") VALUES (OLD."billing_profile_id", OLD."capacity", OLD."closed_on", OLD."code", OLD."created_at", OLD."credit_limit", OLD."currency", OLD."id", OLD."is_customer", OLD."is_vendor", OLD."name", OLD."parent_id", OLD."payable_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."receivable_id", OLD."status", OLD."tags", OLD."tenant_id", OLD."timezone", OLD."unbilled_payable_id", OLD."unbilled_receivable_id"); RETURN NULL;',
                    hash="541683e986778979067f8f911c4341fb526d0181",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_7f2cc",
                    table="parties_account",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["tenant", "account"], name="parties_contact_account"),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=trunkline.kit.models.TenantForeignKey(field="account", name="parties_contact_account_fk"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contact",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "parties_contacthistoryevent" ("account_id", "email", "id", "name", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "phone", "role", "tenant_id") VALUES (NEW."account_id", NEW."email", NEW."id", NEW."name", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."phone", NEW."role", NEW."tenant_id"); RETURN NULL;',
                    hash="11f0fe0f9fdcba9d60eb940c682ff71d4cc0c669",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_c9570",
                    table="parties_contact",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contact",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "parties_contacthistoryevent" ("account_id", "email", "id", "name", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "phone", "role", "tenant_id") VALUES (NEW."account_id", NEW."email", NEW."id", NEW."name", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."phone", NEW."role", NEW."tenant_id"); RETURN NULL;',
                    hash="8fb094317993ec83e752dd3377c20f2bb773a6e2",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_6a448",
                    table="parties_contact",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="contact",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "parties_contacthistoryevent" ("account_id", "email", "id", "name", "note", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "phone", "role", "tenant_id") VALUES (OLD."account_id", OLD."email", OLD."id", OLD."name", OLD."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."phone", OLD."role", OLD."tenant_id"); RETURN NULL;',
                    hash="6e7ebc38a666f6952c13cc79a9470e507d363e69",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_56496",
                    table="parties_contact",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(fields=["tenant", "account"], name="parties_identity_account"),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(fields=["tenant", "value"], name="parties_identity_value_key"),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=trunkline.kit.models.TenantForeignKey(field="account", name="parties_identity_account_fk"),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from__isnull", True),
                    ("valid_to__isnull", True),
                    ("valid_from__lte", models.F("valid_to")),
                    _connector="OR",
                ),
                name="parties_identity_validity",
            ),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.CheckConstraint(
                condition=models.Q(("value", ""), _negated=True), name="parties_identity_value"
            ),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.CheckConstraint(
                condition=models.Q(("tech_prefix__regex", "^[0-9*#]*$")), name="parties_identity_tech_prefix"
            ),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (
                        models.Func(models.F("tenant"), models.F("tenant"), models.Value("[]"), function="int8range"),
                        "=",
                    ),
                    (
                        models.Func(
                            models.Func(
                                models.Func(
                                    models.F("kind"),
                                    models.Value("\x1f"),
                                    models.F("value"),
                                    models.Value("\x1f"),
                                    models.F("tech_prefix"),
                                    models.Value("\x1f"),
                                    django.db.models.functions.comparison.Cast("priority", models.TextField()),
                                    models.Value("\x1f"),
                                    django.db.models.functions.comparison.Coalesce("switch", models.Value("\x1f")),
                                    arg_joiner=" || ",
                                    output_field=models.TextField(),
                                    template="(%(expressions)s)",
                                ),
                                models.Value(0),
                                function="hashtextextended",
                                template="(%(function)s(%(expressions)s) >> 1)",
                            ),
                            models.Func(
                                models.Func(
                                    models.F("kind"),
                                    models.Value("\x1f"),
                                    models.F("value"),
                                    models.Value("\x1f"),
                                    models.F("tech_prefix"),
                                    models.Value("\x1f"),
                                    django.db.models.functions.comparison.Cast("priority", models.TextField()),
                                    models.Value("\x1f"),
                                    django.db.models.functions.comparison.Coalesce("switch", models.Value("\x1f")),
                                    arg_joiner=" || ",
                                    output_field=models.TextField(),
                                    template="(%(expressions)s)",
                                ),
                                models.Value(0),
                                function="hashtextextended",
                                template="(%(function)s(%(expressions)s) >> 1)",
                            ),
                            models.Value("[]"),
                            function="int8range",
                        ),
                        "=",
                    ),
                    (
                        models.Func(
                            models.Case(models.When(side="buy", then=models.Value(1)), default=models.Value(0)),
                            models.Case(models.When(side="sell", then=models.Value(1)), default=models.Value(2)),
                            function="int4range",
                        ),
                        "&&",
                    ),
                    (models.Func(models.F("valid_from"), models.F("valid_to"), function="tstzrange"), "&&"),
                ],
                name="parties_identity_equal_and_overlapping",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identity",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "parties_identityhistoryevent" ("account_id", "id", "kind", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "priority", "side", "switch", "tech_prefix", "tenant_id", "valid_from", "valid_to", "value") VALUES (NEW."account_id", NEW."id", NEW."kind", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."priority", NEW."side", NEW."switch", NEW."tech_prefix", NEW."tenant_id", NEW."valid_from", NEW."valid_to", NEW."value"); RETURN NULL;',
                    hash="8ea9440c8c24866985ba4e3f9fa3b2193fb95399",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_cc92a",
                    table="parties_identity",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identity",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "parties_identityhistoryevent" ("account_id", "id", "kind", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "priority", "side", "switch", "tech_prefix", "tenant_id", "valid_from", "valid_to", "value") VALUES (NEW."account_id", NEW."id", NEW."kind", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."priority", NEW."side", NEW."switch", NEW."tech_prefix", NEW."tenant_id", NEW."valid_from", NEW."valid_to", NEW."value"); RETURN NULL;',
                    hash="ec58b7da1c565b1be1a56e969cb0f7ec61f09b07",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_1cdb7",
                    table="parties_identity",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identity",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "parties_identityhistoryevent" ("account_id", "id", "kind", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "priority", "side", "switch", "tech_prefix", "tenant_id", "valid_from", "valid_to", "value") VALUES (OLD."account_id", OLD."id", OLD."kind", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."priority", OLD."side", OLD."switch", OLD."tech_prefix", OLD."tenant_id", OLD."valid_from", OLD."valid_to", OLD."value"); RETURN NULL;',
                    hash="41ed6ef262a5931d0198d6b009e6df7fe87b328e",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_ad712",
                    table="parties_identity",
                    when="AFTER",
                ),
            ),
        ),
        EnableRLS("billingprofile"),
        EnableRLS("account"),
        EnableRLS("contact"),
        EnableRLS("identity"),
        EnableRLS("billingprofilehistoryevent", append_only=True),
        EnableRLS("accounthistoryevent", append_only=True),
        EnableRLS("contacthistoryevent", append_only=True),
        EnableRLS("identityhistoryevent", append_only=True),
    ]

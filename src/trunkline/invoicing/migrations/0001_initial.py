import django.db.models.deletion
import django.db.models.expressions
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import trunkline.core.ids
import trunkline.kit.db.scope
import trunkline.kit.models
from trunkline.kit.db.rls import EnableRLS

# What was issued stays as it is: of a document only the voiding is written later, of a stamp only its release, of a series only the next
# number. The database holds that by rights on columns, whatever a program sends.
FINAL = """
REVOKE UPDATE, DELETE, TRUNCATE ON invoicing_invoice, invoicing_billedrollup, invoicing_numbersequence FROM trunkline_app;
GRANT UPDATE (state, voided_at, void_reason, void_entry_id) ON invoicing_invoice TO trunkline_app;
GRANT UPDATE (released_at) ON invoicing_billedrollup TO trunkline_app;
GRANT UPDATE (next) ON invoicing_numbersequence TO trunkline_app;
"""
NOT_FINAL = (
    "GRANT UPDATE, DELETE ON invoicing_invoice, invoicing_billedrollup, invoicing_numbersequence TO trunkline_app"
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("ledger", "0002_guards"),
        ("parties", "0001_initial"),
        ("tenancy", "0001_initial"),
        ("usage", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                (
                    "kind",
                    models.CharField(choices=[("invoice", "Invoice"), ("credit_note", "Credit note")], max_length=12),
                ),
                (
                    "state",
                    models.CharField(choices=[("issued", "Issued"), ("void", "Void")], default="issued", max_length=8),
                ),
                ("number", models.CharField(max_length=60)),
                ("year", models.PositiveSmallIntegerField(help_text="The series of its number.")),
                ("serial", models.PositiveBigIntegerField(help_text="Its place in the series, without gaps.")),
                ("period_from", models.DateField()),
                ("period_to", models.DateField(help_text="The first day after the period.")),
                ("timezone", models.CharField(help_text="The account's zone.", max_length=64)),
                ("currency", models.CharField(max_length=3)),
                ("exact", trunkline.kit.models.AmountField(help_text="Sum of the lines before they were rounded.")),
                (
                    "rounding",
                    trunkline.kit.models.AmountField(help_text="What the lines lose by rounding: exact less net."),
                ),
                ("net", trunkline.kit.models.AmountField(help_text="Sum of the rounded lines.")),
                ("tax", trunkline.kit.models.AmountField()),
                ("total", trunkline.kit.models.AmountField()),
                ("tax_name", models.CharField(blank=True, default="", max_length=40)),
                ("tax_percent", models.DecimalField(decimal_places=6, max_digits=9)),
                ("language", models.CharField(max_length=10)),
                ("seller", models.JSONField(help_text="The seller's block as it was printed.")),
                ("buyer", models.JSONField(help_text="The buyer's block as it was printed.")),
                ("issued_at", models.DateTimeField()),
                ("issued_on", models.DateField(help_text="The tenant's local day.")),
                ("due_on", models.DateField()),
                ("pdf_path", models.CharField(help_text="Below the data folder.", max_length=300)),
                ("pdf_sha256", models.CharField(max_length=64)),
                ("csv_path", models.CharField(max_length=300)),
                ("csv_sha256", models.CharField(max_length=64)),
                ("parquet_path", models.CharField(max_length=300)),
                ("parquet_sha256", models.CharField(max_length=64)),
                ("records", models.BigIntegerField(help_text="Records attached.")),
                ("voided_at", models.DateTimeField(null=True)),
                ("void_reason", models.CharField(blank=True, default="", max_length=500)),
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
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="None where nothing is owed.",
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="ledger.entry",
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
                    "void_entry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="ledger.entry",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BilledRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("released_at", models.DateTimeField(null=True)),
                (
                    "rollup",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="usage.rollup",
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
                    "invoice",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="invoicing.invoice",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="InvoiceHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("public_id", trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False)),
                (
                    "kind",
                    models.CharField(choices=[("invoice", "Invoice"), ("credit_note", "Credit note")], max_length=12),
                ),
                (
                    "state",
                    models.CharField(choices=[("issued", "Issued"), ("void", "Void")], default="issued", max_length=8),
                ),
                ("number", models.CharField(max_length=60)),
                ("year", models.PositiveSmallIntegerField(help_text="The series of its number.")),
                ("serial", models.PositiveBigIntegerField(help_text="Its place in the series, without gaps.")),
                ("period_from", models.DateField()),
                ("period_to", models.DateField(help_text="The first day after the period.")),
                ("timezone", models.CharField(help_text="The account's zone.", max_length=64)),
                ("currency", models.CharField(max_length=3)),
                ("exact", trunkline.kit.models.AmountField(help_text="Sum of the lines before they were rounded.")),
                (
                    "rounding",
                    trunkline.kit.models.AmountField(help_text="What the lines lose by rounding: exact less net."),
                ),
                ("net", trunkline.kit.models.AmountField(help_text="Sum of the rounded lines.")),
                ("tax", trunkline.kit.models.AmountField()),
                ("total", trunkline.kit.models.AmountField()),
                ("tax_name", models.CharField(blank=True, default="", max_length=40)),
                ("tax_percent", models.DecimalField(decimal_places=6, max_digits=9)),
                ("language", models.CharField(max_length=10)),
                ("seller", models.JSONField(help_text="The seller's block as it was printed.")),
                ("buyer", models.JSONField(help_text="The buyer's block as it was printed.")),
                ("issued_at", models.DateTimeField()),
                ("issued_on", models.DateField(help_text="The tenant's local day.")),
                ("due_on", models.DateField()),
                ("pdf_path", models.CharField(help_text="Below the data folder.", max_length=300)),
                ("pdf_sha256", models.CharField(max_length=64)),
                ("csv_path", models.CharField(max_length=300)),
                ("csv_sha256", models.CharField(max_length=64)),
                ("parquet_path", models.CharField(max_length=300)),
                ("parquet_sha256", models.CharField(max_length=64)),
                ("records", models.BigIntegerField(help_text="Records attached.")),
                ("voided_at", models.DateTimeField(null=True)),
                ("void_reason", models.CharField(blank=True, default="", max_length=500)),
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
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="None where nothing is owed.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="ledger.entry",
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
                    "void_entry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="ledger.entry",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="InvoiceLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "number",
                    models.PositiveIntegerField(help_text="Place on the document, from 1; the records carry it."),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("usage", "Usage"), ("late", "Late usage"), ("adjustment", "Adjustment")],
                        max_length=10,
                    ),
                ),
                (
                    "period_from",
                    models.DateField(
                        help_text="First day of its usage, for late lines and adjustments; of the document otherwise."
                    ),
                ),
                ("period_to", models.DateField()),
                ("service", models.CharField(max_length=8)),
                (
                    "unit",
                    models.CharField(
                        choices=[("second", "Seconds"), ("octet", "Octets"), ("message", "Messages")], max_length=8
                    ),
                ),
                ("destination", models.CharField(max_length=200)),
                ("terms", models.TextField(help_text="The price in words.")),
                ("attempts", models.BigIntegerField(help_text="Calls tried, answered or not.")),
                ("calls", models.BigIntegerField(help_text="Calls that connected.")),
                ("used", models.BigIntegerField(help_text="Units used.")),
                ("billed", models.BigIntegerField(help_text="Units charged.")),
                ("exact", trunkline.kit.models.AmountField(help_text="To 8 decimals.")),
                ("amount", trunkline.kit.models.AmountField(help_text="Half up at the minor unit.")),
                (
                    "corrects",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="The earlier document that its days belong to.",
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="invoicing.invoice",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="lines",
                        to="invoicing.invoice",
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
            name="InvoicingProfile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(help_text="The seller's name on documents.", max_length=200)),
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
                ("email", models.CharField(blank=True, default="", max_length=200)),
                ("phone", models.CharField(blank=True, default="", max_length=60)),
                (
                    "payment_instructions",
                    models.TextField(
                        blank=True, default="", help_text="Bank account or other ways to pay, line by line."
                    ),
                ),
                ("note", models.TextField(blank=True, default="", help_text="A text at the end of every document.")),
                (
                    "invoice_number",
                    models.CharField(
                        default="INV-{year}-{number:06}", help_text="Template of invoice numbers.", max_length=60
                    ),
                ),
                (
                    "credit_note_number",
                    models.CharField(
                        default="CN-{year}-{number:06}", help_text="Template of credit note numbers.", max_length=60
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
            name="InvoicingProfileHistoryevent",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("pgh_context_id", models.UUIDField(null=True)),
                ("id", models.BigIntegerField()),
                ("name", models.CharField(help_text="The seller's name on documents.", max_length=200)),
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
                ("email", models.CharField(blank=True, default="", max_length=200)),
                ("phone", models.CharField(blank=True, default="", max_length=60)),
                (
                    "payment_instructions",
                    models.TextField(
                        blank=True, default="", help_text="Bank account or other ways to pay, line by line."
                    ),
                ),
                ("note", models.TextField(blank=True, default="", help_text="A text at the end of every document.")),
                (
                    "invoice_number",
                    models.CharField(
                        default="INV-{year}-{number:06}", help_text="Template of invoice numbers.", max_length=60
                    ),
                ),
                (
                    "credit_note_number",
                    models.CharField(
                        default="CN-{year}-{number:06}", help_text="Template of credit note numbers.", max_length=60
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
            name="NumberSequence",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(choices=[("invoice", "Invoice"), ("credit_note", "Credit note")], max_length=12),
                ),
                ("year", models.PositiveSmallIntegerField(help_text="0: numbers that run on over the years.")),
                ("next", models.PositiveBigIntegerField(default=1)),
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
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(fields=["tenant", "account", "period_from"], name="invoice_account_period"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="invoice_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(fields=("tenant", "public_id"), name="invoice_public_id"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(fields=("tenant", "number"), name="invoice_number"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(fields=("tenant", "kind", "year", "serial"), name="invoice_serial"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=trunkline.kit.models.TenantForeignKey(field="account", name="invoice_account_fk"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=trunkline.kit.models.TenantForeignKey(field="entry", name="invoice_entry_fk"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=trunkline.kit.models.TenantForeignKey(field="void_entry", name="invoice_void_entry_fk"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("period_from__lt", models.F("period_to"))), name="invoice_period"
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "exact",
                        django.db.models.expressions.CombinedExpression(models.F("net"), "+", models.F("rounding")),
                    )
                ),
                name="invoice_rounding",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("total", django.db.models.expressions.CombinedExpression(models.F("net"), "+", models.F("tax")))
                ),
                name="invoice_total",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "invoice"), ("total__gte", 0)),
                    models.Q(("kind", "credit_note"), ("total__lt", 0)),
                    _connector="OR",
                ),
                name="invoice_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "issued"), ("voided_at", None)),
                    models.Q(("state", "void"), ("voided_at__isnull", False)),
                    _connector="OR",
                ),
                name="invoice_voided",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "invoicing_invoicehistoryevent" ("account_id", "buyer", "csv_path", "csv_sha256", "currency", "due_on", "entry_id", "exact", "id", "issued_at", "issued_on", "kind", "language", "net", "number", "parquet_path", "parquet_sha256", "pdf_path", "pdf_sha256", "period_from", "period_to", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "records", "rounding", "seller", "serial", "state", "tax", "tax_name", "tax_percent", "tenant_id", "timezone", "total", "void_entry_id", "void_reason", "voided_at", "year") VALUES (NEW."account_id", NEW."buyer", NEW."csv_path", NEW."csv_sha256", NEW."currency", NEW."due_on", NEW."entry_id", NEW."exact", NEW."id", NEW."issued_at", NEW."issued_on", NEW."kind", NEW."language", NEW."net", NEW."number", NEW."parquet_path", NEW."parquet_sha256", NEW."pdf_path", NEW."pdf_sha256", NEW."period_from", NEW."period_to", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."records", NEW."rounding", NEW."seller", NEW."serial", NEW."state", NEW."tax", NEW."tax_name", NEW."tax_percent", NEW."tenant_id", NEW."timezone", NEW."total", NEW."void_entry_id", NEW."void_reason", NEW."voided_at", NEW."year"); RETURN NULL;',
                    hash="05b7a4df17c6c4c14436121515702aaf4b4339bc",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_09132",
                    table="invoicing_invoice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "invoicing_invoicehistoryevent" ("account_id", "buyer", "csv_path", "csv_sha256", "currency", "due_on", "entry_id", "exact", "id", "issued_at", "issued_on", "kind", "language", "net", "number", "parquet_path", "parquet_sha256", "pdf_path", "pdf_sha256", "period_from", "period_to", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "records", "rounding", "seller", "serial", "state", "tax", "tax_name", "tax_percent", "tenant_id", "timezone", "total", "void_entry_id", "void_reason", "voided_at", "year") VALUES (NEW."account_id", NEW."buyer", NEW."csv_path", NEW."csv_sha256", NEW."currency", NEW."due_on", NEW."entry_id", NEW."exact", NEW."id", NEW."issued_at", NEW."issued_on", NEW."kind", NEW."language", NEW."net", NEW."number", NEW."parquet_path", NEW."parquet_sha256", NEW."pdf_path", NEW."pdf_sha256", NEW."period_from", NEW."period_to", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."records", NEW."rounding", NEW."seller", NEW."serial", NEW."state", NEW."tax", NEW."tax_name", NEW."tax_percent", NEW."tenant_id", NEW."timezone", NEW."total", NEW."void_entry_id", NEW."void_reason", NEW."voided_at", NEW."year"); RETURN NULL;',
                    hash="a463a69796c43c10787b7e625d4a370e21bbf5a9",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c4c27",
                    table="invoicing_invoice",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "invoicing_invoicehistoryevent" ("account_id", "buyer", "csv_path", "csv_sha256", "currency", "due_on", "entry_id", "exact", "id", "issued_at", "issued_on", "kind", "language", "net", "number", "parquet_path", "parquet_sha256", "pdf_path", "pdf_sha256", "period_from", "period_to", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "records", "rounding", "seller", "serial", "state", "tax", "tax_name", "tax_percent", "tenant_id", "timezone", "total", "void_entry_id", "void_reason", "voided_at", "year") VALUES (OLD."account_id", OLD."buyer", OLD."csv_path", OLD."csv_sha256", OLD."currency", OLD."due_on", OLD."entry_id", OLD."exact", OLD."id", OLD."issued_at", OLD."issued_on", OLD."kind", OLD."language", OLD."net", OLD."number", OLD."parquet_path", OLD."parquet_sha256", OLD."pdf_path", OLD."pdf_sha256", OLD."period_from", OLD."period_to", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."records", OLD."rounding", OLD."seller", OLD."serial", OLD."state", OLD."tax", OLD."tax_name", OLD."tax_percent", OLD."tenant_id", OLD."timezone", OLD."total", OLD."void_entry_id", OLD."void_reason", OLD."voided_at", OLD."year"); RETURN NULL;',
                    hash="f5c5309297638a08681c38647031d047c1495666",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_8a101",
                    table="invoicing_invoice",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="billedrollup",
            index=models.Index(fields=["tenant", "invoice"], name="billedrollup_invoice"),
        ),
        migrations.AddConstraint(
            model_name="billedrollup",
            constraint=models.UniqueConstraint(
                condition=models.Q(("released_at", None)), fields=("tenant", "rollup"), name="billedrollup_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="billedrollup",
            constraint=trunkline.kit.models.TenantForeignKey(field="invoice", name="billedrollup_invoice_fk"),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.UniqueConstraint(fields=("tenant", "invoice", "number"), name="invoiceline_number"),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=trunkline.kit.models.TenantForeignKey(field="invoice", name="invoiceline_invoice_fk"),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=trunkline.kit.models.TenantForeignKey(field="corrects", name="invoiceline_corrects_fk"),
        ),
        migrations.AddConstraint(
            model_name="invoicingprofile",
            constraint=models.UniqueConstraint(fields=("tenant",), name="invoicingprofile_one"),
        ),
        migrations.AddConstraint(
            model_name="invoicingprofile",
            constraint=models.CheckConstraint(
                condition=models.Q(("invoice_number", models.F("credit_note_number")), _negated=True),
                name="invoicingprofile_two_series",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoicingprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "invoicing_invoicingprofilehistoryevent" ("address", "credit_note_number", "email", "id", "invoice_number", "name", "note", "payment_instructions", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "phone", "tax_number", "tenant_id") VALUES (NEW."address", NEW."credit_note_number", NEW."email", NEW."id", NEW."invoice_number", NEW."name", NEW."note", NEW."payment_instructions", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."phone", NEW."tax_number", NEW."tenant_id"); RETURN NULL;',
                    hash="47af992bc43d21c8a315a1d522a87d1d25b6de64",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_63879",
                    table="invoicing_invoicingprofile",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoicingprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "invoicing_invoicingprofilehistoryevent" ("address", "credit_note_number", "email", "id", "invoice_number", "name", "note", "payment_instructions", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "phone", "tax_number", "tenant_id") VALUES (NEW."address", NEW."credit_note_number", NEW."email", NEW."id", NEW."invoice_number", NEW."name", NEW."note", NEW."payment_instructions", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."phone", NEW."tax_number", NEW."tenant_id"); RETURN NULL;',
                    hash="3ab74d458d525644bef2b69d539efd116e2e9704",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b675d",
                    table="invoicing_invoicingprofile",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoicingprofile",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "invoicing_invoicingprofilehistoryevent" ("address", "credit_note_number", "email", "id", "invoice_number", "name", "note", "payment_instructions", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "phone", "tax_number", "tenant_id") VALUES (OLD."address", OLD."credit_note_number", OLD."email", OLD."id", OLD."invoice_number", OLD."name", OLD."note", OLD."payment_instructions", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."phone", OLD."tax_number", OLD."tenant_id"); RETURN NULL;',
                    hash="163da09d40f926e58496c4ff97623b1fd5c68592",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d7465",
                    table="invoicing_invoicingprofile",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="numbersequence",
            constraint=models.UniqueConstraint(fields=("tenant", "kind", "year"), name="numbersequence_series"),
        ),
        EnableRLS("invoice"),
        EnableRLS("invoicehistoryevent", append_only=True),
        EnableRLS("invoiceline", append_only=True),
        EnableRLS("billedrollup"),
        EnableRLS("invoicingprofile"),
        EnableRLS("invoicingprofilehistoryevent", append_only=True),
        EnableRLS("numbersequence"),
        migrations.RunSQL(FINAL, NOT_FINAL),
    ]

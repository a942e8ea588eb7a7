from django.db import migrations, models

import trunkline.kit.models


class Migration(migrations.Migration):
    dependencies = [
        ("invoicing", "0002_language_of_documents"),
    ]

    operations = [
        migrations.AlterField(
            model_name="invoiceline",
            name="terms",
            field=models.TextField(help_text="The price in words; of an adjustment, what it should be."),
        ),
        migrations.AddField(
            model_name="invoiceline",
            name="tax_name",
            field=models.CharField(help_text="Where its tax is not that of the document.", max_length=40, null=True),
        ),
        migrations.AddField(
            model_name="invoiceline",
            name="tax_percent",
            field=models.DecimalField(decimal_places=6, max_digits=9, null=True),
        ),
        migrations.AddField(
            model_name="invoiceline",
            name="before_terms",
            field=models.TextField(help_text="Of an adjustment: the price of what was billed before.", null=True),
        ),
        migrations.AddField(model_name="invoiceline", name="before_calls", field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name="invoiceline", name="before_used", field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name="invoiceline", name="before_billed", field=models.BigIntegerField(null=True)),
        migrations.AddField(
            model_name="invoiceline",
            name="before_exact",
            field=trunkline.kit.models.AmountField(
                help_text="Of an adjustment: what was billed before, to 8 decimals.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "adjustment"),
                    models.Q(("before_exact", None), ("tax_percent", None)),
                    _connector="OR",
                ),
                name="invoiceline_adjustment",
            ),
        ),
    ]

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tariffs", "0002_stamp_and_cheaper_rates"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(condition=models.Q(("max_cost__gte", 0)), name="tariffs_rate_max_cost"),
        ),
    ]

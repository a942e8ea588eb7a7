from __future__ import annotations

from django.db import migrations

# Of usage the platform's screens read how the work goes and how much room it takes: no names, no numbers, no money.
PLATFORM_READS = """
CREATE POLICY platform ON usage_batch FOR SELECT TO trunkline_platform USING (true);
GRANT SELECT (tenant_id, state, received_at, finished_at) ON usage_batch TO trunkline_platform;
CREATE POLICY platform ON usage_segment FOR SELECT TO trunkline_platform USING (true);
GRANT SELECT (tenant_id, state, rows, octets) ON usage_segment TO trunkline_platform;
"""
PLATFORM_READS_NOT = """
REVOKE SELECT (tenant_id, state, rows, octets) ON usage_segment FROM trunkline_platform;
DROP POLICY platform ON usage_segment;
REVOKE SELECT (tenant_id, state, received_at, finished_at) ON usage_batch FROM trunkline_platform;
DROP POLICY platform ON usage_batch;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0009_alter_batch_options_alter_switch_options"),
    ]

    operations = [migrations.RunSQL(PLATFORM_READS, PLATFORM_READS_NOT)]

from __future__ import annotations

from django.db import migrations, models

import trunkline.core.ids
import trunkline.kit.models
from trunkline.kit.db.rls import CREATE_TENANT_FUNCTION, EnableRLS

# Which migrations ran is the owner's to say: a door that could write it would keep a later migration from running.
PROTECT_MIGRATIONS = "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM trunkline_app"
UNPROTECT_MIGRATIONS = "GRANT INSERT, UPDATE, DELETE ON django_migrations TO trunkline_app"

# Look-ups that must come before a scope: they run with the owner's rights and give away ids only.
CREATE_LOOKUPS = """
CREATE POLICY owner_lookup ON tenancy_tenant FOR SELECT TO trunkline_owner USING (true);
CREATE FUNCTION tenant_id_by_name(wanted text) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT id FROM public.tenancy_tenant WHERE slug = wanted OR name = wanted ORDER BY (slug = wanted) DESC LIMIT 1 $$;
CREATE FUNCTION tenant_all_ids() RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT id FROM public.tenancy_tenant ORDER BY id $$;
"""
DROP_LOOKUPS = """
DROP FUNCTION tenant_all_ids();
DROP FUNCTION tenant_id_by_name(text);
DROP POLICY owner_lookup ON tenancy_tenant;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(PROTECT_MIGRATIONS, UNPROTECT_MIGRATIONS),
        migrations.RunSQL(CREATE_TENANT_FUNCTION, "DROP FUNCTION app_tenant()"),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    trunkline.kit.models.PublicIdField(default=trunkline.core.ids.uuid7, editable=False, unique=True),
                ),
                (
                    "slug",
                    models.SlugField(help_text="Short name for commands and addresses.", max_length=60, unique=True),
                ),
                ("name", models.CharField(help_text="Name on screens and reports.", max_length=200, unique=True)),
                (
                    "currency",
                    models.CharField(help_text="Currency of margins and of the tenant's own books.", max_length=3),
                ),
                ("timezone", models.CharField(default="UTC", help_text="IANA zone of reports.", max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended")], default="active", max_length=12
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={"base_manager_name": "objects"},
        ),
        EnableRLS("tenant", column="id", platform=True),
        migrations.RunSQL(CREATE_LOOKUPS, DROP_LOOKUPS),
    ]

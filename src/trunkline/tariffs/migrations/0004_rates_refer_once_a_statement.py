"""Rates are loaded by the hundred thousand: what they refer to is looked up once a statement, and is never removed (ADR 006)."""

from __future__ import annotations

from django.db import migrations

# Names are qualified: a session could make a temporary table of the same name, which would be found first. The tables are read by the
# rights and in the scope of whoever inserts: a row of another tenant is not there.
REFERENCES = """
CREATE FUNCTION tariffs_rate_references() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    broken text;
BEGIN
    SELECT r.name INTO broken FROM (
        SELECT 'tariffs_rate_tariff_fk' AS name
          FROM (SELECT DISTINCT tenant_id, tariff_id AS id FROM changed) c
         WHERE NOT EXISTS (SELECT 1 FROM public.tariffs_tariff t WHERE t.tenant_id = c.tenant_id AND t.id = c.id)
         UNION ALL
        SELECT 'tariffs_rate_destination_fk'
          FROM (SELECT DISTINCT tenant_id, destination_id AS id FROM changed WHERE destination_id IS NOT NULL) c
         WHERE NOT EXISTS (SELECT 1 FROM public.tariffs_destination d WHERE d.tenant_id = c.tenant_id AND d.id = c.id)
         UNION ALL
        SELECT 'tariffs_rate_time_profile_fk'
          FROM (SELECT DISTINCT tenant_id, time_profile_id AS id FROM changed WHERE time_profile_id IS NOT NULL) c
         WHERE NOT EXISTS (SELECT 1 FROM public.tariffs_timeprofile p WHERE p.tenant_id = c.tenant_id AND p.id = c.id)
    ) r LIMIT 1;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'insert or update on table "tariffs_rate" violates the reference "%"', broken
              USING ERRCODE = 'foreign_key_violation', CONSTRAINT = broken, TABLE = 'tariffs_rate';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tariffs_rate_inserted AFTER INSERT ON tariffs_rate REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tariffs_rate_references();
CREATE TRIGGER tariffs_rate_updated AFTER UPDATE ON tariffs_rate REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tariffs_rate_references();
"""
DROP_REFERENCES = """
DROP TRIGGER tariffs_rate_updated ON tariffs_rate;
DROP TRIGGER tariffs_rate_inserted ON tariffs_rate;
DROP FUNCTION tariffs_rate_references();
"""

REFERRED_TO = ("tariffs_tariff", "tariffs_destination", "tariffs_timeprofile")
PERMANENT = """
CREATE FUNCTION tariffs_permanent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% takes no % of what rates may refer to', TG_TABLE_NAME, TG_OP
          USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END $$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_stays BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION tariffs_permanent();
CREATE TRIGGER {table}_keeps_its_id AFTER UPDATE OF tenant_id, id ON {table} FOR EACH ROW
    WHEN (OLD.tenant_id <> NEW.tenant_id OR OLD.id <> NEW.id) EXECUTE FUNCTION tariffs_permanent();
CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION tariffs_permanent();
"""
    for table in REFERRED_TO
)
DROP_PERMANENT = (
    "".join(
        f"DROP TRIGGER {table}_{name} ON {table};\n"
        for table in REFERRED_TO
        for name in ("stays", "keeps_its_id", "is_not_emptied")
    )
    + "DROP FUNCTION tariffs_permanent();\n"
)


class Migration(migrations.Migration):
    dependencies = [("tariffs", "0003_max_cost_not_below_zero")]

    operations = [
        migrations.RemoveConstraint(model_name="rate", name="tariffs_rate_tariff_fk"),
        migrations.RemoveConstraint(model_name="rate", name="tariffs_rate_destination_fk"),
        migrations.RemoveConstraint(model_name="rate", name="tariffs_rate_time_profile_fk"),
        migrations.RemoveConstraint(model_name="rate", name="tariffs_rate_tenant_id"),
        migrations.RunSQL(REFERENCES, DROP_REFERENCES),
        migrations.RunSQL(PERMANENT, DROP_PERMANENT),
    ]

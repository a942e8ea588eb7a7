"""Watched folders move from the switch to sources of kind `folder`, which have alarms."""

from typing import Any

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations
from django.utils import timezone

from trunkline.core.ids import uuid7
from trunkline.tenancy.queries import tenant_ids
from trunkline.tenancy.scope import scope


def move(apps: Any, schema_editor: Any) -> None:
    """A source of the switch's own name for each watched folder. The owner is confined to a tenant like everybody."""
    switches, sources, feeds = (apps.get_model("usage", name) for name in ("Switch", "Source", "Feed"))
    now = timezone.now()
    for tenant_id in tenant_ids():
        with scope(tenant_id, "migration"):
            for switch in switches.objects.exclude(watch_folder=""):
                source = sources.objects.create(
                    tenant_id=tenant_id,
                    public_id=uuid7(),
                    switch=switch,
                    name=switch.name,
                    kind="folder",
                    path=switch.watch_folder,
                    pattern=switch.watch_pattern,
                    cron="",
                    after="archive",
                    archive="done",
                    has_recurring_names=True,
                    active_since=now,
                )
                feeds.objects.create(tenant_id=tenant_id, source=source, next_at=now)


def move_back(apps: Any, schema_editor: Any) -> None:
    """The folders go back to their switches; sources of servers stay."""
    sources, feeds = (apps.get_model("usage", name) for name in ("Source", "Feed"))
    for tenant_id in tenant_ids():
        with scope(tenant_id, "migration"):
            for source in sources.objects.select_related("switch").filter(kind="folder"):
                source.switch.watch_folder, source.switch.watch_pattern = source.path, source.pattern
                source.switch.save()
                feeds.objects.filter(source=source).delete()
                source.delete()


class Migration(migrations.Migration):
    dependencies = [("usage", "0007_sources")]

    operations = [
        migrations.RunPython(move, move_back),
        pgtrigger.migrations.RemoveTrigger(
            model_name="switch",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="switch",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="switch",
            name="delete_delete",
        ),
        migrations.RemoveField(
            model_name="switch",
            name="watch_folder",
        ),
        migrations.RemoveField(
            model_name="switch",
            name="watch_pattern",
        ),
        migrations.RemoveField(
            model_name="switchhistoryevent",
            name="watch_folder",
        ),
        migrations.RemoveField(
            model_name="switchhistoryevent",
            name="watch_pattern",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="switch",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "usage_switchhistoryevent" ("duplicate_window_days", "format", "future_limit_s", "has_buy_side", "id", "max_duration_s", "name", "number_rules", "options", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "tenant_id", "timezone") VALUES (NEW."duplicate_window_days", NEW."format", NEW."future_limit_s", NEW."has_buy_side", NEW."id", NEW."max_duration_s", NEW."name", NEW."number_rules", NEW."options", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'insert\', NEW."public_id", NEW."tenant_id", NEW."timezone"); RETURN NULL;',
                    hash="200c36be48a4355fa89c1dedd53a38c8a3959119",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_d7925",
                    table="usage_switch",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="switch",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "usage_switchhistoryevent" ("duplicate_window_days", "format", "future_limit_s", "has_buy_side", "id", "max_duration_s", "name", "number_rules", "options", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "tenant_id", "timezone") VALUES (NEW."duplicate_window_days", NEW."format", NEW."future_limit_s", NEW."has_buy_side", NEW."id", NEW."max_duration_s", NEW."name", NEW."number_rules", NEW."options", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'update\', NEW."public_id", NEW."tenant_id", NEW."timezone"); RETURN NULL;',
                    hash="de3cf14e3c747ef592aaac1ef14be5f128abc244",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_dc4d1",
                    table="usage_switch",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="switch",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "usage_switchhistoryevent" ("duplicate_window_days", "format", "future_limit_s", "has_buy_side", "id", "max_duration_s", "name", "number_rules", "options", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "public_id", "tenant_id", "timezone") VALUES (OLD."duplicate_window_days", OLD."format", OLD."future_limit_s", OLD."has_buy_side", OLD."id", OLD."max_duration_s", OLD."name", OLD."number_rules", OLD."options", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, NOW(), \'delete\', OLD."public_id", OLD."tenant_id", OLD."timezone"); RETURN NULL;',
                    hash="db171d369ab8ac41d8b3769d4715612830ba0a16",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_87066",
                    table="usage_switch",
                    when="AFTER",
                ),
            ),
        ),
    ]

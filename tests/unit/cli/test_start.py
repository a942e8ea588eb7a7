"""What a command loads before its work begins. Each test looks at a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.apps import apps
from procrastinate.contrib.django import app

from tests.places import ROOT
from trunkline.kit.checks import tenant_models


def answer(program: str, *, web: bool = False) -> Any:
    """What a program says that has set Django up as commands do, or as those do that work with staff."""
    begin = f"import json, sys\nimport trunkline.cli.main\nfrom trunkline.cli.ready import set_up_django\nset_up_django(web={web})\n"
    settings = {"PYTHONPATH": str(ROOT / "src"), "DJANGO_SETTINGS_MODULE": "trunkline.platform.settings"}
    environment = os.environ | settings | {"TYPER_USE_RICH": "0"}
    done = subprocess.run([sys.executable, "-c", begin + program], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def columns(model: Any) -> list[str]:
    return sorted(field.column for field in model._meta.local_concrete_fields)


def test_neither_the_makers_of_the_schema_nor_what_reads_files_is_loaded() -> None:
    loaded = set(answer("print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"))
    assert {"django", "psycopg", "typer", "trunkline"} <= loaded
    needless = {"pghistory", "pgtrigger", "procrastinate", "croniter", "pydantic", "rich", "numpy", "pyarrow", "duckdb"}
    web = {"allauth", "axes", "unfold", "import_export", "ninja", "whitenoise", "prometheus_client", "structlog"}
    assert loaded & (needless | web) == set()


def test_what_serves_pages_is_not_loaded() -> None:
    loaded = answer("print(json.dumps(sorted(sys.modules)))")
    web = (
        "django.contrib.auth",
        "django.contrib.admin",
        "django.http",
        "django.template.response",
        "trunkline.identity",
    )
    assert [name for name in loaded if name.startswith(web)] == []


def test_what_changes_prices_does_without_the_apps_of_the_web() -> None:
    program = """
import trunkline.pricing.actions, trunkline.pricing.tasks, trunkline.pricing.edit_queries
print(json.dumps("trunkline.identity.models" in sys.modules))
"""
    assert answer(program) is False


def test_a_command_has_all_tables_of_ours_but_the_history_and_those_of_the_web() -> None:
    program = """
import pytest
from django.apps import apps
print(json.dumps({m._meta.db_table: sorted(f.column for f in m._meta.local_concrete_fields) for m in apps.get_models()}))
"""
    ours = [model for model in apps.get_models() if model.__module__.startswith("trunkline.")]
    expected = {
        model._meta.db_table: columns(model)
        for model in ours
        if not hasattr(model, "pgh_tracked_model") and model._meta.app_label not in ("api", "identity")
    }
    assert len(expected) < len(tenant_models())  # there is history that is left out
    assert answer(program) == expected


@pytest.mark.slow
def test_the_queue_comes_with_the_tasks_of_all_rooms_when_it_is_asked_for() -> None:
    program = """
from trunkline.kit import jobs
import trunkline.usage.actions
assert "procrastinate" not in sys.modules
queue = jobs.queue_app()
print(json.dumps([sorted(queue.tasks), sorted(name for name, _ in queue.periodic_registry.periodic_tasks)]))
"""
    every = [sorted(app.tasks), sorted(name for name, _ in app.periodic_registry.periodic_tasks)]
    of_no_staff = [[name for name in names if not name.startswith("identity.")] for names in every]
    assert (answer(program), answer(program, web=True)) == (of_no_staff, every)  # the worker loads all
    assert {"usage.process", "usage.watch", "ledger.expire_reservations", "kit.take_up", "identity.invite"} <= set(
        app.tasks
    )

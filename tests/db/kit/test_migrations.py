"""Migrations as a whole."""

from __future__ import annotations

from django.core.management import call_command


def test_no_model_has_changed_without_a_migration(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_migration_has_run(db: None) -> None:
    call_command("migrate", check_unapplied=True, verbosity=0)

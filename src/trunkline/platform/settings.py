"""Settings: one file, everything that differs between machines comes from the environment."""

from __future__ import annotations

import os
import secrets

from trunkline.kit.db.connections import Role, django_database

SECRET_KEY = os.environ.get("TRUNKLINE_SECRET_KEY") or secrets.token_urlsafe(
    50
)  # nothing is signed yet: no doors but the command line
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# These make tables and triggers. A command that only works with them leaves them out (cli.ready), which is a third of its start:
# the triggers are the database's, and `kit.jobs` makes the queue when something is put into it.
SCHEMA_APPS = ["pgtrigger", "pghistory", "procrastinate.contrib.django"]
INSTALLED_APPS = [
    *SCHEMA_APPS,
    "trunkline.kit",
    "trunkline.tenancy",
    "trunkline.ledger",
    "trunkline.parties",
    "trunkline.tariffs",
    "trunkline.usage",
    "trunkline.invoicing",
    "trunkline.reports",
]

# Everything runs as the app role; `db migrate` alone sets owner.
DATABASES = {"default": django_database(Role(os.environ.get("TRUNKLINE_DATABASE_ROLE", Role.APP)))}

# Events carry their own context (kit.history), so pghistory needs no table; its unused view of events by user asks for some model.
PGHISTORY_INSTALL_CONTEXT_FUNC_ON_MIGRATE = False
MIGRATION_MODULES = {"pghistory": None}
AUTH_USER_MODEL = "pghistory.Context"
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"
SILENCED_SYSTEM_CHECKS: list[str] = []
LOGGING_CONFIG = None

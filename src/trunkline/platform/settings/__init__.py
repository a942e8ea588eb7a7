"""Settings: everything that differs between machines comes from the environment.

What the web needs stands in `web`; it is all names and numbers, so the command line, which loads none of the apps of the web, pays nothing
for it.
"""

from __future__ import annotations

import os

from trunkline.core.octets import read_octets
from trunkline.kit.db.connections import Role, django_database, parameters
from trunkline.platform.settings.web import *  # noqa: F403 - a module of settings is its names

DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
FORMAT_MODULE_PATH = "trunkline.platform.formats"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# These make tables and triggers. A command that only works with them leaves them out (cli.ready), which is a third of its start:
# the triggers are the database's, and `kit.jobs` makes the queue when something is put into it.
SCHEMA_APPS = ["pgtrigger", "pghistory", "procrastinate.contrib.django"]
# Only who serves pages or works with staff and keys loads these; what Django's own sign-in drags in is half of a command's start.
WEB_APPS = [
    "trunkline.identity",
    "trunkline.backoffice",  # before unfold and the admin: its words come first
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",  # asked for by allauth.mfa
    "unfold",  # before the admin, whose templates it replaces
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "django.contrib.admin.apps.SimpleAdminConfig",  # screens are registered by our doors, not by whatever a library brings
    "import_export",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "ninja",  # the files of the page that tries the API
    "trunkline.api",
]
INSTALLED_APPS = [
    *SCHEMA_APPS,
    "trunkline.kit",
    "trunkline.tenancy",
    *WEB_APPS,
    "trunkline.ledger",
    "trunkline.parties",
    "trunkline.tariffs",
    "trunkline.usage",
    "trunkline.invoicing",
    "trunkline.pricing",
    "trunkline.reports",
]

# Everything runs as the app role; `db migrate` alone sets owner.
DATABASES = {"default": django_database(Role(os.environ.get("TRUNKLINE_DATABASE_ROLE", Role.APP)))}
# What the screens of the platform's staff read through: how each operator is doing, and nothing of its data.
PLATFORM_DATABASE = parameters(Role.PLATFORM)
# How many octets each operator may store, unless it has a limit of its own; None: as many as the disk holds.
STORAGE_QUOTA = read_octets(os.environ["TRUNKLINE_QUOTA"]) if os.environ.get("TRUNKLINE_QUOTA") else None

# Events carry their own context (kit.history), so pghistory needs no table.
PGHISTORY_INSTALL_CONTEXT_FUNC_ON_MIGRATE = False
MIGRATION_MODULES = {"pghistory": None}
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"
SILENCED_SYSTEM_CHECKS: list[str] = []
LOGGING_CONFIG = None

"""Run by the test set-up in a process of its own: migrates the template database as the owner."""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.core.management import call_command


def main() -> None:
    settings.DATABASES["default"]["NAME"] = os.environ["TRUNKLINE_TEST_DATABASE"]
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)


if __name__ == "__main__":
    main()

"""What gunicorn serves: `gunicorn trunkline.platform.wsgi:application`."""

from __future__ import annotations

import gc
import os

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")

from trunkline.kit.db.scope import renew_connection
from trunkline.platform.gate import Gate, Gated
from trunkline.platform.logs import log_to_standard_error

log_to_standard_error()
# Django asks the database before every request whether it is there, and after it once more.
for signal in (request_started, request_finished):
    signal.disconnect(close_old_connections)
request_started.connect(renew_connection)
application = Gated(get_wsgi_application(), Gate())
resolve("/api/v1/openapi.json")  # loads every page, so that processes made from here (`platform.processes`) share it
# What is loaded by now stays: looking through it for garbage again and again is a tenth of a page's time (November 2026).
gc.collect()
gc.freeze()

"""What gunicorn serves: `gunicorn trunkline.platform.wsgi:application`."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")

from trunkline.platform.logs import log_to_standard_error

log_to_standard_error()
application = get_wsgi_application()
# What is loaded by now stays: looking through it for garbage again and again is a tenth of a page's time (November 2026).
gc.collect()
gc.freeze()

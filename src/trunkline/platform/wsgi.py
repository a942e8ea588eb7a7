"""What gunicorn serves: `gunicorn trunkline.platform.wsgi:application`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")

from trunkline.platform.logs import log_to_standard_error

log_to_standard_error()
application = get_wsgi_application()

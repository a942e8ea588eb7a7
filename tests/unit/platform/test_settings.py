"""Settings that depend on the address: each case is a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.places import ROOT

NAMES = [
    "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS",
    "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "TRUSTED_PROXIES", "SIGNUP_IS_OPEN", "ACCOUNT_DEFAULT_HTTP_PROTOCOL",
]  # fmt: skip
LOCAL = ["localhost", "127.0.0.1", "[::1]"]


def settings(home: Path, program: str = f"{{name: getattr(settings, name) for name in {NAMES}}}", **given: str) -> Any:
    begin = "import json\nfrom django.conf import settings\n"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "DJANGO_SETTINGS_MODULE": "trunkline.platform.settings",
        "TRUNKLINE_HOME": str(home),
    }
    command = [sys.executable, "-c", f"{begin}print(json.dumps({program}))"]
    done = subprocess.run(command, env=environment | given, capture_output=True, text=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_on_ones_own_machine_it_works_without_tls(tmp_path: Path) -> None:
    assert settings(tmp_path) == {
        "SESSION_COOKIE_SECURE": False,
        "CSRF_COOKIE_SECURE": False,
        "SESSION_COOKIE_NAME": "trunkline",
        "CSRF_COOKIE_NAME": "trunkline_csrf",
        "SECURE_SSL_REDIRECT": False,
        "SECURE_HSTS_SECONDS": 0,
        "ALLOWED_HOSTS": ["localhost", *LOCAL],
        "CSRF_TRUSTED_ORIGINS": ["http://localhost:8000"],
        "TRUSTED_PROXIES": [],
        "SIGNUP_IS_OPEN": True,
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": "http",
    }
    assert list(tmp_path.iterdir()) == []  # reading the settings makes nothing


def test_with_https_cookies_are_secure_and_browsers_are_told(tmp_path: Path) -> None:
    given = {
        "TRUNKLINE_URL": "https://billing.example.com/",
        "TRUNKLINE_HOSTS": "b.example.com, c.example.com",
        "TRUNKLINE_SIGNUP": "off",
    }
    assert settings(tmp_path, **given) == {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_NAME": "__Host-trunkline",
        "CSRF_COOKIE_NAME": "__Host-trunkline-csrf",
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "ALLOWED_HOSTS": ["billing.example.com", *LOCAL, "b.example.com", "c.example.com"],
        "CSRF_TRUSTED_ORIGINS": ["https://billing.example.com"],
        "TRUSTED_PROXIES": ["127.0.0.0/8", "::1/128"],
        "SIGNUP_IS_OPEN": False,
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": "https",
    }


def test_what_is_signed_with_is_kept_in_the_data_folder(tmp_path: Path) -> None:
    first, second = (settings(tmp_path, "str(settings.SECRET_KEY)") for _ in range(2))
    assert first == second
    assert len(first) == 64
    (file,) = tmp_path.iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("secret.key", 0o600)
    assert first not in file.read_text()
    file.unlink()
    assert settings(tmp_path, "str(settings.SECRET_KEY)") != first


def test_a_wrong_mail_server_is_said_by_any_command(tmp_path: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "TRUNKLINE_HOME": str(tmp_path),
        "TRUNKLINE_MAIL": "smtp://",
    }
    done = subprocess.run([sys.executable, "-m", "trunkline"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "error: TRUNKLINE_MAIL names no mail server that is known here.",
    )

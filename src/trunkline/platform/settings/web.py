"""Settings of the web: who may come in, by which address, and how a page is made.

| variable | what |
|---|---|
| `TRUNKLINE_URL` | the address that people type, such as `https://billing.example.com`; with https cookies are secure and HSTS is on |
| `TRUNKLINE_HOSTS` | further host names, with commas |
| `TRUNKLINE_PROXIES` | networks of the proxies in front, with commas: whose word is taken for the client's address and for https |
| `TRUNKLINE_MAIL` | `smtp://user:password@host:587?tls=starttls`, `console:`; left out: files in the data folder |
| `TRUNKLINE_MAIL_FROM` | sender of mails |
| `TRUNKLINE_SIGNUP` | `off`: nobody signs up by himself |
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.functional import SimpleLazyObject

from trunkline.backoffice.looks import UNFOLD  # noqa: F401 - a setting
from trunkline.kit.environment import is_on
from trunkline.kit.home import home
from trunkline.kit.secrets import signing_key
from trunkline.platform.mail_address import mail_settings

_PLATFORM = Path(__file__).parents[1]
PUBLIC_URL = os.environ.get("TRUNKLINE_URL", "http://localhost:8000").rstrip("/")
_address = urlsplit(PUBLIC_URL)
HAS_TLS = _address.scheme == "https"
SIGNUP_IS_OPEN = is_on("TRUNKLINE_SIGNUP", default=True)
TRUSTED_PROXIES = [
    each.strip()
    for each in os.environ.get("TRUNKLINE_PROXIES", "127.0.0.0/8,::1/128" if HAS_TLS else "").split(",")
    if each.strip()
]

# Made when something is signed first, not when a command starts.
SECRET_KEY = SimpleLazyObject(signing_key)

ROOT_URLCONF = "trunkline.platform.urls"
WSGI_APPLICATION = "trunkline.platform.wsgi.application"
ALLOWED_HOSTS = [
    *filter(None, {_address.hostname or ""}),
    "localhost",
    "127.0.0.1",
    "[::1]",
    *filter(None, (each.strip() for each in os.environ.get("TRUNKLINE_HOSTS", "").split(","))),
]

# The order matters: the scope needs to know who is signed in, and must enclose the page and its rendering; axes comes last because it
# replaces the answer to a sign-in that was locked out.
MIDDLEWARE = [
    "trunkline.platform.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "trunkline.platform.middleware.ContentSecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "trunkline.platform.pages_only.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "trunkline.platform.pages_only.CsrfViewMiddleware",
    "trunkline.platform.pages_only.AuthenticationMiddleware",
    "trunkline.platform.pages_only.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "trunkline.platform.middleware.ScopeMiddleware",
    "trunkline.api.middleware.AnswerMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [str(_PLATFORM / "templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

FORM_RENDERER = "trunkline.backoffice.form_parts.Renderer"

STATIC_URL = "/static/"
STATIC_ROOT = str(home() / "static")
STATICFILES_DIRS = [str(_PLATFORM / "static")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # no door keeps files by Django's storages
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 3600  # of files without a hash in their name
CACHES = {"default": {"BACKEND": "trunkline.platform.cache.DataFolderCache", "LOCATION": str(home() / "cache" / "web")}}

SESSION_ENGINE = "trunkline.platform.sessions"
SESSION_COOKIE_NAME = "__Host-trunkline" if HAS_TLS else "trunkline"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HAS_TLS
CSRF_COOKIE_NAME = "__Host-trunkline-csrf" if HAS_TLS else "trunkline_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HAS_TLS
CSRF_TRUSTED_ORIGINS = [f"{_address.scheme}://{_address.netloc}"]
CSRF_FAILURE_VIEW = "trunkline.platform.pages.csrf_failure"
LANGUAGE_COOKIE_SECURE = HAS_TLS
LANGUAGE_COOKIE_HTTPONLY = True
SECURE_PROXY_SSL_HEADER = (
    "HTTP_X_FORWARDED_PROTO",
    "https",
)  # RequestMiddleware lets it through from trusted proxies alone
SECURE_SSL_REDIRECT = HAS_TLS
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$", r"^metrics$"]  # asked for on the machine itself
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HAS_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False  # the neighbours of this host are not ours to decide on
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000  # of a form or JSON body; files are streamed
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_HANDLERS = [
    "trunkline.backoffice.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# Staff screens are Unfold's, whose Alpine needs inline scripts and eval (docs/adr/008); nothing else gets that.
BACKOFFICE_PREFIX = "/office/"
LOGIN_REDIRECT_URL = BACKOFFICE_PREFIX
_OURS = "default-src 'none'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
CONTENT_SECURITY = f"{_OURS}; script-src 'self'; style-src 'self'"
CONTENT_SECURITY_UNFOLD = (
    f"{_OURS}; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; worker-src 'none'"
)

AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "trunkline.platform.accounts.passwords.Scrypt",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "trunkline.platform.accounts.passwords.MaximumLengthValidator"},
    {"NAME": "trunkline.platform.accounts.passwords.KnownPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
]
PASSWORD_RESET_TIMEOUT = 24 * 3600
LOGIN_URL = "account_login"

ACCOUNT_ADAPTER = "trunkline.platform.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "trunkline.platform.accounts.forms.OperatorFields"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True  # typed in where one signed up: no link that a mail scanner follows
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 600
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_CHANGE_EMAIL = True  # one address a person
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _address.scheme
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PREVENT_ENUMERATION = True
# Of second factors. Passwords are axes' and AccountAdapter's to count.
ACCOUNT_RATE_LIMITS = {"login_failed": "5/15m/key"}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "trunkline.platform.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HAS_TLS
MFA_TOTP_ISSUER = "Trunkline"
MFA_TOTP_TOLERANCE = 1  # RFC 6238, 5.2: one step back for the time that typing takes
USERSESSIONS_TRACK_ACTIVITY = False  # it would write at every request

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "trunkline.identity.signin.axes_username"
AXES_LOCKOUT_CALLABLE = "trunkline.platform.pages.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True  # the session list says who is signed in; failures are kept
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS: list[str] = []  # operators shall see which account is attacked

EMAIL_BACKEND, _mail = mail_settings(os.environ.get("TRUNKLINE_MAIL", ""))
EMAIL_HOST = _mail["host"]
EMAIL_PORT = _mail["port"]
EMAIL_HOST_USER = _mail["user"]
EMAIL_HOST_PASSWORD = _mail["password"]
EMAIL_USE_TLS = _mail["starttls"]
EMAIL_USE_SSL = _mail["tls"]
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("TRUNKLINE_MAIL_FROM", f"Trunkline <trunkline@{_address.hostname or 'localhost'}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

"""Django's settings, all of them derived from `abusedesk.configuration`. Importing this module starts no server."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from abusedesk import configuration
from abusedesk.records import embedded

CONFIGURATION = configuration.load()
_HERE = Path(__file__).resolve().parent
_WEB = _HERE / "web"

DEBUG = False
SECRET_KEY = configuration.secret_key(CONFIGURATION)


def _hosts() -> list[str]:
    public = urlsplit(CONFIGURATION.public_url or "").hostname
    return [*CONFIGURATION.allowed_hosts, "localhost", "127.0.0.1", "[::1]", *([public] if public else [])]


def _database() -> dict[str, Any]:
    dsn = CONFIGURATION.database_url or embedded.dsn(CONFIGURATION.data)
    parts = dict(conninfo_to_dict(dsn))
    named = {name: str(parts.pop(key, "") or "") for name, key in _CONNECTION_KEYS.items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **named,
        "OPTIONS": {"connect_timeout": 5, "application_name": "abusedesk", **_ALIVE, **parts},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


# A server that is cut off says nothing; without these its clients would wait for it for hours (libpq 34.1.2).
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
_CONNECTION_KEYS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}

ALLOWED_HOSTS = _hosts()
CSRF_TRUSTED_ORIGINS = [CONFIGURATION.public_url] if CONFIGURATION.public_url else []
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "abusedesk.records",
    "abusedesk.actuators",
    "abusedesk.web",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "django_htmx",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "abusedesk.web.headers.ContentSecurityPolicy",
    "abusedesk.web.headers.ZeroBytes",
    "abusedesk.web.headers.LargestForm",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "abusedesk.web.urls"
WSGI_APPLICATION = "abusedesk.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_WEB / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "abusedesk.web.accounts.StaffOnly"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = None

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [_WEB / "locale"]

STATIC_URL = "/static/"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
# Files are served straight from the packages: an installation has no step to forget, and nothing goes stale.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CONFIGURATION.https
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_SECURE = CONFIGURATION.https
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if CONFIGURATION.https else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if CONFIGURATION.trusted_proxy else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "abusedesk.web.views.errors.csrf"


def _mail() -> dict[str, Any]:
    if CONFIGURATION.smtp_url is None:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(CONFIGURATION.outbox),
        }
    parts = urlsplit(CONFIGURATION.smtp_url)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(parts.username),
        "EMAIL_TIMEOUT": 20,
    }


globals().update(_mail())
DEFAULT_FROM_EMAIL = CONFIGURATION.mail_from

_BEFORE: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True),
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_BEFORE,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "short": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _BEFORE,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(
                    colors=False,
                    pad_event_to=0,
                    pad_level=False,
                    # The others show local variables, and a password is one.
                    exception_formatter=structlog.dev.plain_traceback,
                ),
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "short"}},
    "root": {"handlers": ["stderr"], "level": CONFIGURATION.log_level.upper()},
    "loggers": {
        "django": {"level": "INFO", "propagate": True, "handlers": []},
        "django.request": {"level": "ERROR"},
    },
}

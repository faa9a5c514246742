"""Django's settings as one plain function: the night, the desk, ``django check`` and the tests share them."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from pipeline.settings import DeskSettings

__all__ = ["options"]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_VALIDATION = "django.contrib.auth.password_validation."


def options(  # nosec B107: made up below
    entry: dict[str, Any], desk: DeskSettings | None = None, secret: str = "", home: str = ""
) -> dict[str, Any]:
    """Return the settings for a DATABASES entry. Without a ``secret`` nobody can sign in across two processes."""
    desk = desk or DeskSettings()
    secret = secret or secrets.token_urlsafe(48)
    return {
        "DATABASES": {"default": {**entry, "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}},
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.humanize",
            "django.contrib.staticfiles",
            "django_htmx",
            "django_otp",
            "django_otp.plugins.otp_totp",
            "django_otp.plugins.otp_static",
            "axes",
            "csp",
            "pipeline.desk.apps.DeskConfig",
        ],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "csp.middleware.CSPMiddleware",
            "pipeline.desk.middleware.headers",
            "pipeline.desk.language.language",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "pipeline.desk.sign_on.watch_proxy",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
            "django_htmx.middleware.HtmxMiddleware",
            "pipeline.desk.middleware.stay",
            "pipeline.desk.middleware.gesture",
            "axes.middleware.AxesMiddleware",
        ],
        "ROOT_URLCONF": "pipeline.desk.urls",
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "pipeline.desk.context.desk",
                    ],
                    "builtins": ["django.templatetags.i18n", "pipeline.desk.tags"],
                },
            }
        ],
        # The command sets logs up; Django's own setup would mail errors to nobody.
        "LOGGING_CONFIG": None,
        "TIME_ZONE": "Asia/Shanghai",
        "LANGUAGE_CODE": "zh-hans",
        "LANGUAGES": [("zh-hans", "中文"), ("en", "English")],
        "SECRET_KEY": secret,
        "ZUOFENG_DESK": desk,
        "ZUOFENG_HOME": home,
        **_accounts(desk),
        **_transport(desk),
        **_static(),
    }


def _accounts(desk: DeskSettings) -> dict[str, Any]:
    return {
        "AUTH_USER_MODEL": "desk.User",
        "AUTHENTICATION_BACKENDS": ["axes.backends.AxesStandaloneBackend", "pipeline.desk.login.PasswordBackend"],
        "AUTH_PASSWORD_VALIDATORS": [
            {
                "NAME": _VALIDATION + "UserAttributeSimilarityValidator",
                "OPTIONS": {"user_attributes": ["username", "name"]},
            },
            {"NAME": "pipeline.desk.passwords.LengthValidator", "OPTIONS": {"min_length": 10}},
            {"NAME": _VALIDATION + "CommonPasswordValidator"},
            {"NAME": _VALIDATION + "NumericPasswordValidator"},
        ],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.ScryptPasswordHasher"],
        "OTP_TOTP_ISSUER": "作风复核台",
        "AXES_FAILURE_LIMIT": 5,
        "AXES_COOLOFF_TIME": dt.timedelta(minutes=15),
        "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
        "AXES_LOCKOUT_CALLABLE": "pipeline.desk.views.session.locked",
        "AXES_USERNAME_CALLABLE": "pipeline.desk.login.name_of_attempts",
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_VERBOSE": False,
        "SESSION_COOKIE_NAME": "zuofeng_session",
        "SESSION_COOKIE_AGE": desk.session_minutes * 60,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        # A provider sends readers back from another site, where a strict cookie would stay behind.
        "SESSION_COOKIE_SAMESITE": "Lax" if desk.sign_on.oidc_issuer else "Strict",
        "CSRF_COOKIE_NAME": "zuofeng_csrf",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CSRF_FAILURE_VIEW": "pipeline.desk.views.refusal.csrf",
    }


def _transport(desk: DeskSettings) -> dict[str, Any]:
    return {
        "ALLOWED_HOSTS": [*LOOPBACK, *desk.hosts],
        "CSRF_TRUSTED_ORIGINS": [f"https://{h}" for h in desk.hosts] if desk.https else [],
        "SESSION_COOKIE_SECURE": desk.https,
        "CSRF_COOKIE_SECURE": desk.https,
        "SECURE_SSL_REDIRECT": desk.https,
        "SECURE_HSTS_SECONDS": 31_536_000 if desk.https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": desk.https,
        "SECURE_HSTS_PRELOAD": desk.https,
        # Workbooks that come back are the largest thing anybody sends.
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 2 * 2**20,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 500,
        "DATA_UPLOAD_MAX_NUMBER_FILES": 1,
        "CONTENT_SECURITY_POLICY": {
            "DIRECTIVES": {
                "default-src": ["'none'"],
                "script-src": ["'self'"],
                "style-src": ["'self'"],
                "img-src": ["'self'"],
                "font-src": ["'self'"],
                "connect-src": ["'self'"],
                "form-action": ["'self'"],
                "frame-ancestors": ["'none'"],
                "base-uri": ["'none'"],
            }
        },
    }


def _static() -> dict[str, Any]:
    return {
        "STATIC_URL": "/static/",
        # Straight from the packages: nothing to collect before serving.
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_MAX_AGE": 300,
    }

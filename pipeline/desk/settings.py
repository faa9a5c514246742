"""The settings module for Django's own commands, as in ``DJANGO_SETTINGS_MODULE=… django-admin check --deploy``."""

from pipeline.desk.configure import database
from pipeline.desk.options import options
from pipeline.desk.secret import secret_of
from pipeline.settings import load_settings

_settings = load_settings()
globals().update(
    options(database(_settings.store_url), _settings.desk, secret_of(_settings.path("state")), home=str(_settings.home))
)

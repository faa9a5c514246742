"""App registration."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The one app of the project."""

    name = "pipeline.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

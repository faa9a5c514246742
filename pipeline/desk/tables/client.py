"""Programs that use the interface."""

from __future__ import annotations

from django.db import models


class Client(models.Model):
    """A program with a token of its own. Only the token's SHA-256 is kept; revoked for good, never deleted."""

    name = models.CharField(max_length=40, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    #: The grants it holds, by value (`pipeline.desk.clients.Grant`).
    may = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
    revoked = models.DateTimeField(null=True)

    class Meta:
        db_table = "zuofeng_client"
        ordering = ("name",)

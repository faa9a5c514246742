"""Counts that are kept rather than made for every look."""

from __future__ import annotations

from django.db import models


class Tally(models.Model):
    """What was counted ``at`` some moment, when the queue had so many ``cases``."""

    name = models.CharField(primary_key=True, max_length=20)
    at = models.DateTimeField()
    cases = models.PositiveIntegerField()
    data = models.JSONField(default=dict)

    class Meta:
        db_table = "zuofeng_tally"

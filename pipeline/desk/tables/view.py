"""Filters a person wants back tomorrow."""

from __future__ import annotations

from django.db import models

from pipeline.desk.tables.account import User


class SavedView(models.Model):
    """A named set of filters, as the query string of the queue."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="views")
    name = models.CharField(max_length=30)
    query = models.TextField()

    class Meta:
        db_table = "zuofeng_saved_view"
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="one_view_per_name"),)

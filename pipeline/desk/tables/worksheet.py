"""容错甄别: what was weighed and what came of it."""

from __future__ import annotations

from django.db import models

from pipeline.desk.states import RULES
from pipeline.desk.tables.account import User


class Worksheet(models.Model):
    """One state of a document's worksheet; the newest counts, earlier ones stay."""

    document = models.ForeignKey("desk.Document", on_delete=models.PROTECT, related_name="worksheets")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    answers = models.JSONField(default=dict)
    rules = models.JSONField(default=list)
    outcome = models.CharField(max_length=30, default="", blank=True)
    note = models.TextField(default="", blank=True)

    class Meta:
        db_table = "zuofeng_worksheet"
        ordering = ("id",)


class OfficeRule(models.Model):
    """A situation or condition of this office's own document on 容错; empty until the office fills it in."""

    kind = models.CharField(max_length=10, choices=[(k.value, name) for k, name in RULES.items()])
    number = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "zuofeng_office_rule"
        ordering = ("kind", "number")

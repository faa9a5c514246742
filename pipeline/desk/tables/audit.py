"""The trail: rows that are only ever added, each sealed over the one before."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One action. ``actor`` and ``target`` are plain text, so that they outlive what they speak of."""

    number = models.BigIntegerField(primary_key=True)
    at = models.CharField(max_length=40)
    gesture = models.CharField(max_length=32)
    actor = models.CharField(max_length=60, db_index=True)
    action = models.CharField(max_length=40, db_index=True)
    target = models.CharField(max_length=220, db_index=True)
    address = models.CharField(max_length=45, default="")
    detail = models.JSONField(default=dict)
    seal = models.CharField(max_length=64)

    class Meta:
        db_table = "zuofeng_audit"


class AuditHead(models.Model):
    """The one row that says how long the trail is: a trail cut off at its end no longer fits it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)
    seal = models.CharField(max_length=64, default="")
    proof = models.CharField(max_length=64, default="")

    class Meta:
        db_table = "zuofeng_audit_head"

"""Documents drawn for people to label without seeing the model."""

from __future__ import annotations

from django.db import models


class BlindDraw(models.Model):
    """One drawn text. ``sample`` is the word that draws, ``probability`` that with which this text would be drawn."""

    sample = models.CharField(max_length=60)
    document = models.ForeignKey("desk.Document", on_delete=models.CASCADE, related_name="+")
    text_hash = models.CharField(max_length=64)
    probability = models.FloatField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "zuofeng_blind_draw"
        constraints = (models.UniqueConstraint(fields=("sample", "document"), name="drawn_once_per_sample"),)

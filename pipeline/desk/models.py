"""The store's tables."""

from __future__ import annotations

from django.db import models


class Run(models.Model):
    """One night: what it read and what came of it."""

    id = models.CharField(primary_key=True, max_length=40)
    source = models.TextField()
    model = models.CharField(max_length=120)
    started = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    state = models.CharField(max_length=20, default="running")
    counts = models.JSONField(default=dict)

    class Meta:
        db_table = "zuofeng_run"
        ordering = ("-started",)


class Document(models.Model):
    """A complaint or report; ``key`` is the number it came with."""

    key = models.CharField(max_length=200, unique=True)
    text = models.TextField()
    text_hash = models.CharField(max_length=64)
    title = models.TextField(default="")
    received = models.CharField(max_length=60, default="")
    unit = models.CharField(max_length=200, default="")
    channel = models.CharField(max_length=100, default="")
    district = models.CharField(max_length=100, default="")
    place = models.TextField(default="")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "zuofeng_document"


class Prediction(models.Model):
    """What one model said of one document, with where every figure came from."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="predictions")
    model = models.CharField(max_length=120)
    taxonomy = models.CharField(max_length=80)
    segmenter = models.CharField(max_length=60)
    dictionary = models.CharField(max_length=64)
    text_hash = models.CharField(max_length=64)
    is_problem = models.BooleanField()
    problem_score = models.FloatField()
    review = models.BooleanField()
    decided = models.JSONField()
    scores = models.JSONField()
    evidence = models.JSONField()
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "zuofeng_prediction"
        constraints = (models.UniqueConstraint(fields=("document", "model"), name="one_prediction_per_model"),)
        indexes = (models.Index(fields=("model", "is_problem", "-problem_score"), name="prediction_triage"),)


class RejectedRecord(models.Model):
    """A record that could not be scored, kept with its reason; the same record is kept once."""

    fingerprint = models.CharField(max_length=64, unique=True)
    key = models.CharField(max_length=200, default="")
    place = models.TextField()
    code = models.CharField(max_length=40)
    reason = models.TextField()
    raw = models.TextField(default="")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="rejected")

    class Meta:
        db_table = "zuofeng_rejected"

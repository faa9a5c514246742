"""The store's tables."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.utils import timezone

#: The order of predictions is kept from this score on.
SURE = 0.99


class PlainJSON(models.JSONField):
    """JSON that PostgreSQL keeps as it was written: nobody asks it for a part, and taking it apart costs the night."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return ``json`` in place of ``jsonb``."""
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def from_db_value(self, value: Any, expression: Expression, connection: BaseDatabaseWrapper) -> Any:
        """Return lists and objects as they are: of ``json`` the driver makes them itself."""
        return super().from_db_value(value, expression, connection) if isinstance(value, str) else value


class Run(models.Model):
    """One night, re-scoring or purge: what it read and what came of it.

    ``state`` is running, unfinished (stopped, to be continued), done, failed or died (given up for a later run).
    ``reason`` says why it is not done, or of a done one why a source was not read to its end.
    ``serial`` counts the runs of a store: the order that holds when a clock goes back.
    """

    id = models.CharField(primary_key=True, max_length=40)
    serial = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=20, default="nightly")
    source = models.TextField()
    model = models.CharField(max_length=120)
    plan = models.JSONField(default=dict)
    started = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    starts = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=20, default="running")
    reason = models.TextField(default="")
    counts = models.JSONField(default=dict)
    #: The program that wrote it: its version and a hash of its source; several where others continued it.
    program = models.TextField(default="")

    class Meta:
        db_table = "zuofeng_run"
        ordering = ("-serial", "-started")


class Chunk(models.Model):
    """A part of a run. Its row is written in the transaction of the rows it speaks of.

    ``state`` is scored (the caller's table not yet written), done, failed (to be tried again) or aside.
    ``fingerprint`` is a hash of the records, ``mark`` the key of the last one where a source has an order.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="chunks")
    source = models.TextField()
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=64)
    mark = models.JSONField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.TextField(default="")
    first = models.TextField(default="")
    last = models.TextField(default="")
    counts = models.JSONField(default=dict)

    class Meta:
        db_table = "zuofeng_chunk"
        constraints = (models.UniqueConstraint(fields=("run", "source", "number"), name="one_state_per_chunk"),)


class Document(models.Model):
    """A complaint or report; ``key`` is the number it came with. A purged one has lost its text, not its scores.

    ``stored`` is when this very text came in: a changed text starts anew.
    """

    key = models.CharField(max_length=200, unique=True)
    text = models.TextField()
    text_hash = models.CharField(max_length=64, db_index=True)
    title = models.TextField(default="")
    received = models.CharField(max_length=60, default="")
    unit = models.CharField(max_length=200, default="")
    channel = models.CharField(max_length=100, default="")
    district = models.CharField(max_length=100, default="")
    place = models.TextField(default="")
    purged = models.BooleanField(default=False)
    stored = models.DateTimeField(default=timezone.now, db_index=True)
    # Runs stay, and a run writes its rows itself: to look each one up costs PostgreSQL more than to write it.
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)

    class Meta:
        db_table = "zuofeng_document"
        indexes = (
            models.Index(fields=("unit", "-id"), name="document_by_unit"),
            models.Index(fields=("district", "-id"), name="document_by_district"),
            models.Index(fields=("channel", "-id"), name="document_by_channel"),
            models.Index(fields=("received",), name="document_by_received"),
        )


class Prediction(models.Model):
    """What one model said of one document, with where every figure came from."""

    # The constraint below is an index by document.
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="predictions", db_index=False)
    model = models.CharField(max_length=120)
    taxonomy = models.CharField(max_length=80)
    segmenter = models.CharField(max_length=60)
    dictionary = models.CharField(max_length=64)
    thresholds = models.CharField(max_length=64, default="")
    text_hash = models.CharField(max_length=64)
    is_problem = models.BooleanField()
    problem_score = models.FloatField()
    review = models.BooleanField()
    decided = PlainJSON()
    scores = PlainJSON()
    evidence = PlainJSON()
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        db_table = "zuofeng_prediction"
        constraints = (models.UniqueConstraint(fields=("document", "model"), name="one_prediction_per_model"),)
        indexes = (
            # Of the surest ones: what is asked for is the first few.
            models.Index(
                fields=("-problem_score", "document"),
                name="prediction_by_score",
                condition=models.Q(problem_score__gte=SURE),
            ),
        )


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


# The desk's own tables: Django finds the models of an app in this module only.
from pipeline.desk.tables import *  # noqa: E402, F403

"""Challengers that are scored beside the live model. No page reads these tables."""

from __future__ import annotations

from django.db import models


class Shadow(models.Model):
    """One trial: ``model`` is scored for so many ``nights``, of each ``sample`` flips go into the queue.

    ``ended`` is set when somebody stops it; it also ends by itself after its nights.
    """

    model = models.CharField(max_length=120)
    nights = models.PositiveIntegerField()
    sample = models.PositiveIntegerField()
    #: Decides with a document's number whether it is drawn: the same after a crash.
    salt = models.CharField(max_length=32)
    started = models.DateTimeField()
    by = models.CharField(max_length=60)
    ended = models.DateTimeField(null=True)

    class Meta:
        db_table = "zuofeng_shadow"
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("model",), condition=models.Q(ended=None), name="one_trial_per_model"),
        )


class ShadowScore(models.Model):
    """What a challenger says of one text; written with the live model's prediction or not at all. Quotes nothing."""

    shadow = models.ForeignKey(Shadow, on_delete=models.CASCADE, related_name="scores")
    document = models.ForeignKey("desk.Document", on_delete=models.CASCADE, related_name="+")
    beside = models.CharField(max_length=120)
    text_hash = models.CharField(max_length=64)
    is_problem = models.BooleanField()
    problem_score = models.FloatField()
    review = models.BooleanField()
    decided = models.JSONField()
    scores = models.JSONField()
    run = models.ForeignKey("desk.Run", on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "zuofeng_shadow_score"
        constraints = (models.UniqueConstraint(fields=("shadow", "document"), name="one_score_per_trial"),)


class ShadowNight(models.Model):
    """A finished night of a trial: how many texts both models scored, on how many they differ."""

    shadow = models.ForeignKey(Shadow, on_delete=models.CASCADE, related_name="done")
    run = models.ForeignKey("desk.Run", on_delete=models.PROTECT, related_name="+")
    texts = models.PositiveIntegerField()
    flips = models.PositiveIntegerField()

    class Meta:
        db_table = "zuofeng_shadow_night"
        constraints = (models.UniqueConstraint(fields=("shadow", "run"), name="one_row_per_trial_night"),)


class ShadowDraw(models.Model):
    """A document that was put before people: a flip, or one without for every flip, so that the queue tells nothing.

    ``probability`` is that with which it was drawn among its night's.
    """

    shadow = models.ForeignKey(Shadow, on_delete=models.CASCADE, related_name="drawn")
    document = models.ForeignKey("desk.Document", on_delete=models.CASCADE, related_name="+")
    run = models.ForeignKey("desk.Run", on_delete=models.PROTECT, related_name="+")
    text_hash = models.CharField(max_length=64)
    flip = models.BooleanField()
    probability = models.FloatField()

    class Meta:
        db_table = "zuofeng_shadow_draw"
        constraints = (models.UniqueConstraint(fields=("shadow", "document"), name="drawn_once_per_trial"),)

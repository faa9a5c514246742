"""What people said of a document. Rows are added, never changed: taking one back is a row too."""

from __future__ import annotations

from django.db import models

from pipeline.desk.states import KINDS, TURNS, Kind
from pipeline.desk.tables.account import User


class DecisionRows(models.QuerySet):
    """Decisions, and what took them back."""

    def standing(self) -> models.QuerySet:
        """Return the decisions that nobody has taken back."""
        return self.filter(undone_by=None).exclude(kind=Kind.UNDO)


class Decision(models.Model):
    """One person's judgement of one text, or (kind ``undo``) its withdrawal."""

    document = models.ForeignKey("desk.Document", on_delete=models.PROTECT, related_name="decisions")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="decisions")
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    kind = models.CharField(max_length=10, choices=[(k.value, name) for k, name in KINDS.items()])
    turn = models.CharField(max_length=10, choices=[(k.value, name) for k, name in TURNS.items()])
    labels = models.JSONField(default=dict)
    note = models.TextField(default="", blank=True)
    text_hash = models.CharField(max_length=64)
    model = models.CharField(max_length=120)
    seconds = models.PositiveIntegerField(default=0)
    gesture = models.CharField(max_length=32)
    undoes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="undone_by")

    objects = DecisionRows.as_manager()

    class Meta:
        db_table = "zuofeng_decision"
        ordering = ("id",)
        indexes = (models.Index(fields=("by", "-id"), name="decision_by_person"),)

    @property
    def telling(self) -> bool:
        """Whether its kind, beside its labels, tells what the model said."""
        return self.kind in (Kind.CONFIRM, Kind.CORRECT, Kind.REJECT)


class Note(models.Model):
    """A remark beside the document, for colleagues; with ``to`` a question to one of them."""

    document = models.ForeignKey("desk.Document", on_delete=models.PROTECT, related_name="notes")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="asked")
    text = models.TextField()

    class Meta:
        db_table = "zuofeng_note"
        ordering = ("id",)


class NoteRead(models.Model):
    """That an answer was on the screen of somebody who had asked. Of other remarks nobody keeps it."""

    # The constraint below is an index by person; of a remark nobody asks who read it.
    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        db_table = "zuofeng_note_read"
        constraints = (models.UniqueConstraint(fields=("by", "note"), name="read_once_per_person"),)

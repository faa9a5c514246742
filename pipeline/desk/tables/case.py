"""Where a document stands in the queue."""

from __future__ import annotations

from django.db import models

from pipeline.desk.states import STATES, State
from pipeline.desk.tables.account import User


class Case(models.Model):
    """A document's place in the work. Priority and labels are copied from the prediction for quick ordering;
    claim and state belong to people.
    """

    document = models.OneToOneField("desk.Document", on_delete=models.PROTECT, primary_key=True, related_name="case")
    state = models.CharField(
        max_length=10, choices=[(k.value, name) for k, name in STATES.items()], default=State.OPEN.value
    )
    priority = models.IntegerField(default=0)
    uncertainty = models.IntegerField(default=0)
    #: Labels that rules of the office give and the model does not; none while nobody looked.
    against = models.PositiveSmallIntegerField(null=True)
    reasons = models.JSONField(default=list)
    # Written in one transaction with it, and predictions stay.
    prediction = models.ForeignKey(
        "desk.Prediction", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    run = models.CharField(max_length=40)
    serial = models.PositiveIntegerField(default=0)
    text_hash = models.CharField(max_length=64)
    #: Copied from the document: the queue passes over what has lost its text.
    purged = models.BooleanField(default=False)
    #: Drawn to be judged without the model, on this very text.
    blind = models.BooleanField(default=False)
    #: The first document of those that say nearly the same; none when it stands alone.
    group = models.BigIntegerField(null=True)
    holder = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="held", db_index=False)
    held_until = models.DateTimeField(null=True)
    assignee = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="assigned", db_index=False)

    class Meta:
        db_table = "zuofeng_case"
        indexes = (
            models.Index(fields=("state", "-priority", "document"), name="case_by_priority"),
            models.Index(fields=("state", "-uncertainty", "document"), name="case_by_uncertainty"),
            models.Index(fields=("state", "-document"), name="case_by_newest"),
            models.Index(
                fields=("state", "-against", "document"), name="case_by_against", condition=models.Q(against__gt=0)
            ),
            # Few have any of these: the night writes nothing for the others.
            models.Index(fields=("group",), name="case_by_group", condition=models.Q(group__isnull=False)),
            models.Index(fields=("holder",), name="case_by_holder", condition=models.Q(holder__isnull=False)),
            models.Index(fields=("assignee",), name="case_by_assignee", condition=models.Q(assignee__isnull=False)),
        )

    @property
    def unseen(self) -> bool:
        """Whether what the model says must not be shown yet; of what nobody can judge any more it may."""
        return self.blind and not self.purged and self.state != State.DONE


class Signature(models.Model):
    """The MinHash of a document's text, to find near duplicates; ``algorithm`` says how ``values`` were made."""

    case = models.OneToOneField(
        Case, on_delete=models.CASCADE, primary_key=True, related_name="signature", db_constraint=False
    )
    text_hash = models.CharField(max_length=64)
    algorithm = models.CharField(max_length=40)
    values = models.BinaryField()

    class Meta:
        db_table = "zuofeng_signature"


class CaseLabel(models.Model):
    """A label the document carries now: people's when they decided, else the model's."""

    pk = models.CompositePrimaryKey("case_id", "label")
    # The key begins with it.
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="labels", db_index=False, db_constraint=False)
    label = models.CharField(max_length=80)
    by_people = models.BooleanField(default=False)

    class Meta:
        db_table = "zuofeng_case_label"
        constraints = (models.UniqueConstraint(fields=("label", "case"), name="one_row_per_case_label"),)

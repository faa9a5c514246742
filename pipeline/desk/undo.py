"""Decisions taken back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import OperationalError, transaction
from django.db.models import F

from pipeline.desk import audit
from pipeline.desk.among import among
from pipeline.desk.locks import lock
from pipeline.desk.queue import hold
from pipeline.desk.rounds import standing
from pipeline.desk.settle import AT_ONCE, PAUSE, ConflictError, made_of, purged, read_cases, settle
from pipeline.desk.states import Kind
from pipeline.desk.tables import Case, Decision, User

__all__ = ["Undone", "undo"]


@dataclass(frozen=True, slots=True)
class Undone:
    """The ``documents`` of which a decision was taken back, the first one first, and of how many more it was not.

    ``more`` is whether the store was too busy for the rest, which is then the last thing decided.
    """

    documents: tuple[int, ...]
    left: int
    more: bool = False


def undo(user: User, document: int | None = None) -> Undone:
    """Take back the last thing ``user`` decided, of many documents part by part, the newest first; with ``document``
    what he or she said of its text, however long ago.

    Left is what somebody has decided again since, or what has lost its text. Raises ConflictError when nothing can be
    taken back.
    """
    taken: list[int] = []
    refused: list[ConflictError] = []
    last, more = None, True
    while more:
        try:
            with transaction.atomic():
                # Of two at once the second finds what is left to take back.
                User.objects.select_for_update(no_key=True).get(pk=user.pk)
                some, more = _part(user, document, last)
                reasons = _take_back(user, some, last=not more)
        except OperationalError:
            if not taken:
                raise
            more = True
            break
        last = some[-1] if some else last  # who pressed twice has taken the rest back meanwhile
        taken += [d.document_id for d in some if d.id not in reasons]
        refused += reasons.values()
        if more:
            time.sleep(PAUSE)
    if not taken:
        raise refused[0]
    return Undone(tuple(reversed(taken)), len(refused), more)


def _part(user: User, document: int | None, last: Decision | None) -> tuple[list[Decision], bool]:
    """Return the next decisions of one gesture, those before the ``last`` one, and whether there are more."""
    rows = Decision.objects.standing().filter(by=user).order_by("-id")
    if document is not None:  # what was said of an earlier text holds no more
        rows = rows.filter(document=document, text_hash=F("document__case__text_hash"))
    if last is None:
        newest = rows.first()
        if newest is None:
            raise ConflictError("ZF-DESK-UNDO", "没有可以撤销的判定", "")
        rows = rows.filter(gesture=newest.gesture)
    else:
        rows = rows.filter(gesture=last.gesture, id__lt=last.id)
    some = list(rows[: AT_ONCE + 1])
    return some[:AT_ONCE], len(some) > AT_ONCE


def _take_back(user: User, decisions: Sequence[Decision], *, last: bool) -> dict[int, ConflictError]:
    """Take back those decisions that nothing stands against; return of the others what does. Of the ``last`` ones the
    first is held, as it is opened again: held, thousands would be nobody else's.
    """
    ids = lock(Case.objects.filter(among([d.document_id for d in decisions])))
    cases, made = read_cases(ids), made_of(ids)
    refused = {}
    for d in decisions:
        if any(x.id > d.id for x in standing(made[d.document_id])):
            refused[d.id] = ConflictError(
                "ZF-DESK-UNDO", "别人已在您之后判过这件，不能撤销", "请那个人先撤销，或等组长裁定。"
            )
        elif cases[d.document_id].purged:  # of the row that is locked: a purge writes both
            refused[d.id] = purged()
    good, gesture = [d for d in decisions if d.id not in refused], audit.gesture_now().id
    if not good:
        return refused
    rows = [
        Decision(
            document_id=d.document_id,
            by=user,
            kind=Kind.UNDO,
            turn=d.turn,
            text_hash=d.text_hash,
            model=d.model,
            gesture=gesture,
            undoes=d,
        )
        for d in good
    ]
    settle(rows, {d.document_id: cases[d.document_id] for d in good}, made)
    if last:
        hold(user, cases[good[-1].document_id])
    audit.record_all([("review.undo", cases[d.document_id].document.key, {"decision": d.pk}) for d in good])
    return refused

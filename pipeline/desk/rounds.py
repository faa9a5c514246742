"""What the decisions on a document make of it: which of them hold, whose turn it is, which labels it has."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from django.conf import settings

from pipeline.desk.schemes import flat
from pipeline.desk.states import Kind, State, Turn
from pipeline.desk.tables import Decision

__all__ = ["last_round", "second_wanted", "standing", "state_after"]


def standing(decisions: Sequence[Decision]) -> list[Decision]:
    """Return the decisions that were not taken back, oldest first."""
    undone = {d.undoes_id for d in decisions if d.undoes_id}
    return [d for d in decisions if d.kind != Kind.UNDO and d.id not in undone]


def state_after(decisions: Sequence[Decision], text_hash: str) -> tuple[str, list[str] | None]:
    """Return the case's state and the labels people gave it (None: none yet) after all its ``decisions``."""
    valid = last_round(decisions, text_hash)
    by_turn = {d.turn: d for d in valid}
    first, second, final = (by_turn.get(t) for t in Turn)
    if final is not None:
        return State.DONE, flat(final.labels)
    if first is None:
        return State.OPEN, None
    if Kind.UNSURE in {d.kind for d in valid}:
        return State.DISPUTED, None
    if second is not None:
        # As sets: between the two the taxonomy may have got another order, or one more scheme.
        agreed = set(flat(first.labels)) == set(flat(second.labels))
        return (State.DONE, flat(second.labels)) if agreed else (State.DISPUTED, None)
    # Until the second person has spoken nothing of the first may show, not even in the queue.
    return (State.SECOND, None) if second_wanted(first.document_id, text_hash) else (State.DONE, flat(first.labels))


def last_round(decisions: Sequence[Decision], text_hash: str) -> list[Decision]:
    """Return what stands on this text from its latest first reading on: one that was replaced and came back waits anew.

    Also where that reading was taken back: what was decided before the text was replaced holds no more.
    """
    made = [d for d in decisions if d.text_hash == text_hash and d.kind != Kind.UNDO]
    first = max((d.id for d in made if d.turn == Turn.FIRST), default=0)
    return [d for d in standing(decisions) if d.text_hash == text_hash and d.id >= first]


def second_wanted(document: int, text_hash: str) -> bool:
    """Return whether a second person reads it too: drawn with the desk's secret, so nobody can tell beforehand."""
    drawn = hmac.new(settings.SECRET_KEY.encode(), f"second {document} {text_hash}".encode(), hashlib.sha256).digest()
    return int.from_bytes(drawn[:4], "big") % 100 < settings.ZUOFENG_DESK.second_percent

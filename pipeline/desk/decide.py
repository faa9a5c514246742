"""Decisions: made, taken back, and what they make of a case."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from pipeline.desk import audit
from pipeline.desk.among import among
from pipeline.desk.locks import lock
from pipeline.desk.models import Document
from pipeline.desk.queue import MOST_TWINS, hold, with_it
from pipeline.desk.roles import Permission
from pipeline.desk.schemes import by_scheme, flat, taxonomy
from pipeline.desk.states import Kind, State, Turn
from pipeline.desk.tables import Case, CaseLabel, Decision, User
from pipeline.errors import ZuofengError

__all__ = ["ConflictError", "Outcome", "decide", "last_round", "standing", "undo", "why_not"]

MOST_NOTE = 4000
MOST_SECONDS = 24 * 3600


class ConflictError(ZuofengError):
    """Nothing was saved: somebody else or the night was there first, or the choice makes no sense."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: the decision's kind in Chinese, the documents it went to."""

    said: str
    documents: tuple[int, ...]


def decide(
    *,
    user: User,
    document: int,
    action: str,
    labels: Iterable[str],
    text_hash: str,
    note: str = "",
    seconds: int = 0,
    together: bool = False,
) -> Outcome:
    """Record a person's decision; raises ConflictError. ``action`` is save, reject or unsure.

    With ``together`` it goes to every open document with the same text or nearly the same that nobody else holds.
    """
    if action not in ("save", "reject", "unsure"):
        raise ConflictError("ZF-DESK-ACTION", "不认识这个操作", "刷新页面后重做。")
    try:
        chosen = by_scheme(labels) if action != "reject" else by_scheme(())
    except KeyError as e:
        raise ConflictError("ZF-DESK-LABEL", f"标签体系里没有 {e.args[0]}", "刷新页面后重选。") from e
    if action == "save" and (wrong := taxonomy().check_labels(chosen)):
        raise ConflictError("ZF-DESK-LABEL", "标签选得不合方案的规则", "改正后再保存。", wrong)
    if len(note) > MOST_NOTE:
        raise ConflictError("ZF-DESK-NOTE", f"备注超过 {MOST_NOTE} 字", "请写短些。")
    gesture = _gesture()
    with transaction.atomic():
        alike = _lock_alike(document, user) if together else []
        case = _locked(document)
        if case.text_hash != text_hash:
            raise ConflictError("ZF-DESK-CHANGED", "原文在您看的时候更新了，判定没有保存", "重新看过再判。")
        if reason := why_not(case, user):
            raise reason
        # What it is like, and who holds that, may have changed before they were locked.
        cases = [case, *with_it(case, user).filter(among(alike))]
        audit.line_up()
        spent = min(max(0, seconds), MOST_SECONDS)
        made = [_decide(c, user, action, chosen, note.strip(), spent, gesture) for c in cases]
    said = "已判" if case.blind else made[0].get_kind_display()
    return Outcome(said, tuple(d.document_id for d in made))


def undo(user: User) -> tuple[int, ...]:
    """Take back the last thing ``user`` decided; return the documents, the first one first.

    Raises ConflictError when there is nothing, when somebody has decided after it, or when a text was purged since.
    """
    with transaction.atomic():
        # Of two at once the second finds what is left to take back.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        last = Decision.objects.filter(by=user, undone_by=None).exclude(kind=Kind.UNDO).order_by("-id").first()
        if last is None:
            raise ConflictError("ZF-DESK-UNDO", "没有可以撤销的判定", "")
        group = list(
            Decision.objects.filter(by=user, gesture=last.gesture, undone_by=None)
            .exclude(kind=Kind.UNDO)
            .order_by("id")
        )
        lock(Case.objects.filter(among([d.document_id for d in group])))
        audit.line_up()
        gesture = _gesture()
        for decision in group:
            _undo(decision, user, gesture)
    return tuple(d.document_id for d in group)


def why_not(case: Case, user: User) -> ConflictError | None:
    """Return why ``user`` may not decide the case as it stands, None when nothing is in the way."""
    if case.holder_id not in (None, user.pk) and case.held_until and case.held_until > timezone.now():
        return ConflictError("ZF-DESK-HELD", f"{case.holder.shown} 正在办这件，您的判定没有保存", "办下一件。")
    if case.assignee_id not in (None, user.pk) and not user.may(Permission.ASSIGN):
        return ConflictError("ZF-DESK-ASSIGNED", f"这件已分给 {case.assignee.shown}，您的判定没有保存", "办下一件。")
    if case.purged:  # of the row that is locked: a purge writes both
        return _purged()
    if case.document.text_hash != case.text_hash:
        said = "原文刚更新，队列还没有跟上，判定没有保存"
        return ConflictError("ZF-DESK-CHANGED", said, "夜间任务做完后重新看过再判。")
    if case.state == State.DONE:
        return ConflictError("ZF-DESK-DONE", "这件已经办完", "要改就先由原判定人撤销。")
    if case.state == State.DISPUTED:
        if not user.may(Permission.ADJUDICATE):
            return ConflictError("ZF-DESK-DISPUTED", "这件等组长裁定", "办下一件。")
        parties = {d.by_id for d in last_round(_made_of(case), case.text_hash)}
        if len(parties) > 1 and user.pk in parties:
            return ConflictError("ZF-DESK-PARTY", "您是意见不一的一方，不能自己裁定", "请另一位组长裁定。")
    if case.state == State.SECOND and user.pk in _read_by(case):
        return ConflictError("ZF-DESK-SECOND", "这件要由另一个人再看", "办下一件。")
    return None


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
    wanted: bool = int.from_bytes(drawn[:4], "big") % 100 < settings.ZUOFENG_DESK.second_percent
    return wanted


def _lock_alike(document: int, user: User) -> list[int]:
    """Lock a case and those that go with it; return these."""
    case = Case.objects.filter(pk=document).first()
    alike = list(with_it(case, user).values_list("pk", flat=True)[:MOST_TWINS]) if case else []
    lock(Case.objects.filter(among([document, *alike])))
    return alike


def _locked(document: int) -> Case:
    found: Case | None = Case.objects.select_for_update().filter(pk=document).first()
    if found is None:
        raise ConflictError("ZF-DESK-GONE", "没有这一件", "从队列重新打开。")
    return found


def _decide(
    case: Case, user: User, action: str, chosen: dict[str, list[str]], note: str, seconds: int, gesture: str
) -> Decision:
    turn = {State.SECOND: Turn.SECOND, State.DISPUTED: Turn.FINAL}.get(State(case.state), Turn.FIRST)
    if turn == Turn.FINAL and action == "unsure":
        raise ConflictError("ZF-DESK-FINAL", "裁定要有结论", "选标签保存，或判为无此问题。")
    model = by_scheme({d["id"] for labels in case.prediction.decided.values() for d in labels} & set(_known()))
    kind = {"unsure": Kind.UNSURE}.get(action)
    if kind is None:
        kind = Kind.CONFIRM if chosen == model else Kind.CORRECT
        kind = kind if any(chosen.values()) or kind == Kind.CONFIRM else Kind.REJECT
    made: Decision = Decision.objects.create(
        document_id=case.pk,
        by=user,
        kind=kind,
        turn=turn,
        labels=chosen,
        note=note,
        text_hash=case.text_hash,
        model=case.prediction.model,
        seconds=seconds,
        gesture=gesture,
    )
    _settle(case)
    name = "review.final" if turn == Turn.FINAL else f"review.{kind}"
    audit.record(name, _key(case.pk), labels=flat(chosen), turn=str(turn), decision=made.pk)
    return made


def _undo(decision: Decision, user: User, gesture: str) -> None:
    case = _locked(decision.document_id)
    if any(d.id > decision.id for d in _standing_of(case)):
        raise ConflictError("ZF-DESK-UNDO", "别人已在您之后判过这件，不能撤销", "需要时请组长裁定。")
    if case.purged:  # of the row that is locked: a purge writes both
        raise _purged()
    Decision.objects.create(
        document_id=case.pk,
        by=user,
        kind=Kind.UNDO,
        turn=decision.turn,
        text_hash=decision.text_hash,
        model=decision.model,
        gesture=gesture,
        undoes=decision,
    )
    _settle(case)
    hold(user, case)
    audit.record("review.undo", _key(case.pk), decision=decision.pk)


def _settle(case: Case) -> None:
    """Give the case the state and labels that its decisions make, and let go of it."""
    state, labels = state_after(_made_of(case), case.text_hash)
    case.state, case.holder, case.held_until = state, None, None
    if state != State.OPEN:
        # It was given to somebody for a first reading; the next one is another person's.
        case.assignee = None
    case.save(update_fields=["state", "holder", "held_until", "assignee"])
    by_people = labels is not None
    if labels is None:
        labels = [] if case.unseen else [d["id"] for some in case.prediction.decided.values() for d in some]
    CaseLabel.objects.filter(case=case).delete()
    CaseLabel.objects.bulk_create([CaseLabel(case=case, label=i, by_people=by_people) for i in dict.fromkeys(labels)])


def _purged() -> ConflictError:
    return ConflictError("ZF-DESK-PURGED", "原文已按保留期清除，不能再判，也不能撤销", "办下一件。")


def _made_of(case: Case) -> list[Decision]:
    return list(Decision.objects.filter(document_id=case.pk).order_by("id"))


def _standing_of(case: Case) -> list[Decision]:
    return standing(_made_of(case))


def _read_by(case: Case) -> set[int]:
    """Return who judged the text as it is and stands by it."""
    return {d.by_id for d in _standing_of(case) if d.text_hash == case.text_hash}


def _known() -> list[str]:
    return [label for _, label in taxonomy().columns]


def _key(document: int) -> str:
    return str(Document.objects.values_list("key", flat=True).get(pk=document))


def _gesture() -> str:
    """The number of this request, or one of its own outside of requests: what is undone together shares it."""
    now = audit.current_gesture.get()
    return now.id if now else uuid.uuid4().hex

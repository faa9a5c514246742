"""Decisions: made one by one, with what goes along, or by thousands."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import OperationalError, transaction
from django.utils import timezone

from pipeline.desk import audit
from pipeline.desk.among import among
from pipeline.desk.locks import lock
from pipeline.desk.queue import MOST_TWINS, with_it
from pipeline.desk.roles import Permission
from pipeline.desk.rounds import last_round, standing
from pipeline.desk.schemes import by_scheme, decided_ids, flat, taxonomy
from pipeline.desk.settle import AT_ONCE, PAUSE, ConflictError, made_of, purged, read_cases, settle
from pipeline.desk.states import Kind, State, Turn
from pipeline.desk.tables import Case, Decision, User

__all__ = ["Choice", "Outcome", "decide", "decide_each", "why_not"]

MOST_NOTE = 4000
MOST_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose for one document, reading this text; ``action`` is save, reject or unsure."""

    document: int
    action: str
    labels: tuple[str, ...]
    text_hash: str
    note: str = ""
    seconds: int = 0


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
    choice = Choice(document, action, tuple(labels), text_hash, note, seconds)
    _sort(choice)
    with transaction.atomic():
        alike = _alike(document, user) if together else []
        lock(Case.objects.filter(among([document, *alike])))
        cases = read_cases([document])
        made = made_of([document, *alike])
        if (reason := _against(choice, cases.get(document), user, made)) is not None:
            raise reason
        case = cases[document]
        if action == "save" and not choice.labels and (case.unseen or case.state == State.SECOND):
            # Who judges blind begins with an empty form: sent as it came, it would be a label nobody gave.
            hint = "有问题就勾上再保存；没有问题按“无此问题”（X）。"
            raise ConflictError("ZF-DESK-NONE", "一个标签也没有勾，没有保存", hint)
        # What it is like, and who holds that, may have changed before they were locked.
        along = read_cases(list(with_it(case, user).filter(among(alike)).values_list("pk", flat=True)))
        outcome = _decide([(c, choice) for c in (case, *along.values())], user, made, audit.gesture_now().id)
    said = "已判" if case.blind else outcome[0].get_kind_display()
    return Outcome(said, tuple(d.document_id for d in outcome))


def decide_each(user: User, choices: Sequence[Choice]) -> dict[int, ConflictError]:
    """Record decisions on different documents, part by part; return of each that was not saved why."""
    refused: dict[int, ConflictError] = {}
    gesture = audit.gesture_now().id
    for at in range(0, len(choices), AT_ONCE):
        if at:
            time.sleep(PAUSE)
        try:
            with transaction.atomic():
                refused |= _decide_part(user, choices[at : at + AT_ONCE], gesture)
        except OperationalError:
            if not at:
                raise
            busy = ConflictError("ZF-DESK-BUSY", "存储正忙，这件没有保存", "稍后再导回一次。")
            return refused | {c.document: busy for c in choices[at:]}
    return refused


def _decide_part(user: User, choices: Sequence[Choice], gesture: str) -> dict[int, ConflictError]:
    ids = lock(Case.objects.filter(among([c.document for c in choices])))
    cases, made = read_cases(ids), made_of(ids)
    refused, good = {}, []
    for choice in choices:
        case = cases.get(choice.document)
        if (reason := _against(choice, case, user, made)) is not None:
            refused[choice.document] = reason
        elif case is not None:
            good.append((case, choice))
    if good:
        _decide(good, user, made, gesture)
    return refused


def why_not(case: Case, user: User, made: Sequence[Decision] | None = None) -> ConflictError | None:
    """Return why ``user`` may not decide the case as it stands, None when nothing is in the way.

    ``made`` are all its decisions, read when they are not given.
    """
    if case.holder_id not in (None, user.pk) and case.held_until and case.held_until > timezone.now():
        return ConflictError("ZF-DESK-HELD", f"{case.holder.shown} 正在办这件，您的判定没有保存", "办下一件。")
    if case.assignee_id not in (None, user.pk) and not user.may(Permission.ASSIGN):
        return ConflictError("ZF-DESK-ASSIGNED", f"这件已分给 {case.assignee.shown}，您的判定没有保存", "办下一件。")
    if case.purged:  # of the row that is locked: a purge writes both
        return purged()
    if case.document.text_hash != case.text_hash:
        said = "原文刚更新，队列还没有跟上，判定没有保存"
        return ConflictError("ZF-DESK-CHANGED", said, "夜间任务做完后重新看过再判。")
    if case.state == State.DONE:
        return ConflictError("ZF-DESK-DONE", "这件已经办完", "要改就先请最后判的人打开这件撤销。")
    if made is None and case.state in (State.DISPUTED, State.SECOND):
        made = made_of([case.pk])[case.pk]
    if case.state == State.DISPUTED:
        if not user.may(Permission.ADJUDICATE):
            return ConflictError("ZF-DESK-DISPUTED", "这件等组长裁定", "办下一件。")
        parties = {d.by_id for d in last_round(made or (), case.text_hash)}
        if len(parties) > 1 and user.pk in parties:
            return ConflictError("ZF-DESK-PARTY", "您是意见不一的一方，不能自己裁定", "请另一位组长裁定。")
    # Who judged the text as it is and stands by it.
    if case.state == State.SECOND and user.pk in {
        d.by_id for d in standing(made or ()) if d.text_hash == case.text_hash
    }:
        return ConflictError("ZF-DESK-SECOND", "这件要由另一个人再看", "办下一件。")
    return None


def _sort(choice: Choice) -> dict[str, list[str]]:
    """Return the labels chosen by scheme; raises ConflictError for what makes no sense of any document."""
    if choice.action not in ("save", "reject", "unsure"):
        raise ConflictError("ZF-DESK-ACTION", "不认识这个操作", "刷新页面后重做。")
    try:
        chosen = by_scheme(choice.labels if choice.action != "reject" else ())
    except KeyError as e:
        raise ConflictError("ZF-DESK-LABEL", f"标签体系里没有 {e.args[0]}", "刷新页面后重选。") from e
    if choice.action == "save" and (wrong := taxonomy().check_labels(chosen)):
        raise ConflictError("ZF-DESK-LABEL", "标签选得不合方案的规则", "改正后再保存。", wrong)
    if len(choice.note) > MOST_NOTE:
        raise ConflictError("ZF-DESK-NOTE", f"备注超过 {MOST_NOTE} 字", "请写短些。")
    return chosen


def _against(choice: Choice, case: Case | None, user: User, made: Mapping[int, list[Decision]]) -> ConflictError | None:
    """Return why the choice is not saved, None when it may be."""
    if case is None:
        return ConflictError("ZF-DESK-GONE", "没有这一件", "从队列重新打开。")
    try:
        _sort(choice)
    except ConflictError as e:
        return e
    if case.text_hash != choice.text_hash:
        return ConflictError("ZF-DESK-CHANGED", "原文在您看的时候更新了，判定没有保存", "重新看过再判。")
    if reason := why_not(case, user, made[case.pk]):
        return reason
    if case.state == State.DISPUTED and choice.action == "unsure":
        return ConflictError("ZF-DESK-FINAL", "裁定要有结论", "选标签保存，或判为无此问题。")
    return None


def _alike(document: int, user: User) -> list[int]:
    """Return the cases that go with one."""
    case = Case.objects.filter(pk=document).first()
    return list(with_it(case, user).values_list("pk", flat=True)[:MOST_TWINS]) if case else []


def _decide(
    choices: Sequence[tuple[Case, Choice]], user: User, made: dict[int, list[Decision]], gesture: str
) -> list[Decision]:
    known = {label for _, label in taxonomy().columns}
    rows = []
    for case, choice in choices:
        chosen = _sort(choice)
        model = by_scheme(known.intersection(decided_ids(case.prediction.decided)))
        kind = {"unsure": Kind.UNSURE}.get(choice.action)
        if kind is None:
            kind = Kind.CONFIRM if chosen == model else Kind.CORRECT
            kind = kind if any(chosen.values()) or kind == Kind.CONFIRM else Kind.REJECT
        rows.append(
            Decision(
                document_id=case.pk,
                by=user,
                kind=kind,
                turn={State.SECOND: Turn.SECOND, State.DISPUTED: Turn.FINAL}.get(State(case.state), Turn.FIRST),
                labels=chosen,
                note=choice.note.strip(),
                text_hash=case.text_hash,
                model=case.prediction.model,
                seconds=min(max(0, choice.seconds), MOST_SECONDS),
                gesture=gesture,
            )
        )
    settle(rows, {case.pk: case for case, _ in choices}, made)
    audit.record_all(
        [
            (
                "review.final" if d.turn == Turn.FINAL else f"review.{d.kind}",
                case.document.key,
                {"labels": flat(d.labels), "turn": str(d.turn), "decision": d.pk},
            )
            for d, (case, _) in zip(rows, choices, strict=True)
        ]
    )
    return rows

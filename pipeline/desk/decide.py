"""Decisions: made and taken back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from pipeline.desk import audit
from pipeline.desk.among import among
from pipeline.desk.locks import lock
from pipeline.desk.queue import MOST_TWINS, hold, with_it
from pipeline.desk.roles import Permission
from pipeline.desk.rounds import last_round, standing, state_after
from pipeline.desk.schemes import by_scheme, flat, taxonomy
from pipeline.desk.states import Kind, State, Turn
from pipeline.desk.tables import Case, CaseLabel, Decision, User
from pipeline.desk.upsert import reserve
from pipeline.errors import ZuofengError

__all__ = ["Choice", "ConflictError", "Outcome", "Undone", "decide", "decide_each", "undo", "why_not"]

MOST_NOTE = 4000
#: Documents that are decided, or taken back, in one transaction: all who decide wait until it ends.
AT_ONCE = 200
#: Seconds between two parts: on SQLite who waits only looks so often whether it is free.
PAUSE = 0.1
MOST_SECONDS = 24 * 3600


class ConflictError(ZuofengError):
    """Nothing was saved: somebody else or the night was there first, or the choice makes no sense."""


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


@dataclass(frozen=True, slots=True)
class Undone:
    """The ``documents`` of which a decision was taken back, the first one first, and of how many more it was not."""

    documents: tuple[int, ...]
    left: int


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
        cases = _read([document])
        made = _made_of([document, *alike])
        if (reason := _against(choice, cases.get(document), user, made)) is not None:
            raise reason
        case = cases[document]
        # What it is like, and who holds that, may have changed before they were locked.
        along = _read(list(with_it(case, user).filter(among(alike)).values_list("pk", flat=True)))
        outcome = _decide([(c, choice) for c in (case, *along.values())], user, made)
    said = "已判" if case.blind else outcome[0].get_kind_display()
    return Outcome(said, tuple(d.document_id for d in outcome))


def decide_each(user: User, choices: Sequence[Choice]) -> dict[int, ConflictError]:
    """Record decisions on different documents, part by part; return of each that was not saved why."""
    refused = {}
    for at in range(0, len(choices), AT_ONCE):
        if at:
            time.sleep(PAUSE)
        some = choices[at : at + AT_ONCE]
        with transaction.atomic():
            ids = lock(Case.objects.filter(among([c.document for c in some])))
            cases, made, good = _read(ids), _made_of(ids), []
            for choice in some:
                case = cases.get(choice.document)
                if (reason := _against(choice, case, user, made)) is not None:
                    refused[choice.document] = reason
                elif case is not None:
                    good.append((case, choice))
            if good:
                _decide(good, user, made)
    return refused


def undo(user: User, document: int | None = None) -> Undone:
    """Take back the last thing ``user`` decided, of many documents part by part, the newest first; with ``document``
    what he or she decided of that one alone, however long ago.

    What somebody has decided after it, or lost its text, is left. Raises ConflictError when nothing can be taken back.
    """
    taken: list[int] = []
    refused: list[ConflictError] = []
    gesture, before, more = None, 0, True
    while more:
        with transaction.atomic():
            # Of two at once the second finds what is left to take back.
            User.objects.select_for_update(no_key=True).get(pk=user.pk)
            rows = Decision.objects.filter(by=user, undone_by=None).exclude(kind=Kind.UNDO).order_by("-id")
            rows = rows if document is None else rows.filter(document=document)
            if gesture is None:
                last = rows.first()
                if last is None:
                    raise ConflictError("ZF-DESK-UNDO", "没有可以撤销的判定", "")
                gesture, before = last.gesture, last.id + 1
            some = list(rows.filter(gesture=gesture, id__lt=before)[: AT_ONCE + 1])
            more = len(some) > AT_ONCE
            del some[AT_ONCE:]
            reasons = _take_back(user, some, last=not more)
        if more:
            time.sleep(PAUSE)
        before = some[-1].id if some else 0
        taken += [d.document_id for d in some if d.id not in reasons]
        refused += reasons.values()
    if not taken:
        raise refused[0] if refused else ConflictError("ZF-DESK-UNDO", "没有可以撤销的判定", "")
    return Undone(tuple(reversed(taken)), len(refused))


def why_not(case: Case, user: User, made: Sequence[Decision] | None = None) -> ConflictError | None:
    """Return why ``user`` may not decide the case as it stands, None when nothing is in the way.

    ``made`` are all its decisions, read when they are not given.
    """
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
        return ConflictError("ZF-DESK-DONE", "这件已经办完", "要改就先请最后判的人打开这件撤销。")
    if made is None and case.state in (State.DISPUTED, State.SECOND):
        made = _made_of([case.pk])[case.pk]
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


def _read(ids: Sequence[int]) -> dict[int, Case]:
    """Return cases that are locked, in their order, with all that a decision asks of them but for the texts."""
    rows = Case.objects.filter(among(ids)).select_related("document", "prediction", "holder", "assignee")
    rows = rows.defer("document__text", "prediction__scores", "prediction__evidence")
    return {case.pk: case for case in rows.order_by("pk")}


def _decide(choices: Sequence[tuple[Case, Choice]], user: User, made: dict[int, list[Decision]]) -> list[Decision]:
    gesture, known = _gesture(), {label for _, label in taxonomy().columns}
    rows = []
    for case, choice in choices:
        chosen = _sort(choice)
        model = by_scheme({d["id"] for labels in case.prediction.decided.values() for d in labels} & known)
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
    _add(rows, {case.pk: case for case, _ in choices}, made)
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


def _take_back(user: User, decisions: Sequence[Decision], *, last: bool) -> dict[int, ConflictError]:
    """Take back those decisions that nothing stands against; return of the others what does. Of the ``last`` ones the
    first is held, as it is opened again: held, thousands would be nobody else's.
    """
    ids = lock(Case.objects.filter(among([d.document_id for d in decisions])))
    cases, made = _read(ids), _made_of(ids)
    refused = {}
    for d in decisions:
        if any(x.id > d.id for x in standing(made[d.document_id])):
            refused[d.id] = ConflictError(
                "ZF-DESK-UNDO", "别人已在您之后判过这件，不能撤销", "请那个人先撤销，或等组长裁定。"
            )
        elif cases[d.document_id].purged:  # of the row that is locked: a purge writes both
            refused[d.id] = _purged()
    good, gesture = [d for d in decisions if d.id not in refused], _gesture()
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
    _add(rows, {d.document_id: cases[d.document_id] for d in good}, made)
    if last:
        hold(user, cases[good[-1].document_id])
    audit.record_all([("review.undo", cases[d.document_id].document.key, {"decision": d.pk}) for d in good])
    return refused


def _add(rows: Sequence[Decision], cases: Mapping[int, Case], made: dict[int, list[Decision]]) -> None:
    """Store new decisions, behind everybody who has a number already, and what they make of their ``cases``."""
    audit.line_up()
    for decision, number in zip(rows, reserve(Decision, len(rows)), strict=True):
        decision.pk = number
        made[decision.document_id].append(decision)
    Decision.objects.bulk_create(rows)
    _settle(list(cases.values()), made)


def _settle(cases: Sequence[Case], made: Mapping[int, list[Decision]]) -> None:
    """Give the cases the state and labels that their decisions make, and let go of them."""
    labels: list[CaseLabel] = []
    states: dict[str, list[int]] = {}
    for case in cases:
        case.state, said = state_after(made[case.pk], case.text_hash)
        states.setdefault(case.state, []).append(case.pk)
        by_people = said is not None
        if said is None:
            said = [] if case.unseen else [d["id"] for some in case.prediction.decided.values() for d in some]
        labels += [CaseLabel(case_id=case.pk, label=i, by_people=by_people) for i in dict.fromkeys(said)]
    for state, ids in states.items():
        # It was given to somebody for a first reading; the next one is another person's.
        given = {} if state == State.OPEN else {"assignee": None}
        Case.objects.filter(among(ids)).update(state=state, holder=None, held_until=None, **given)
    CaseLabel.objects.filter(among([case.pk for case in cases], "case_id")).delete()
    CaseLabel.objects.bulk_create(labels)


def _purged() -> ConflictError:
    return ConflictError("ZF-DESK-PURGED", "原文已按保留期清除，不能再判，也不能撤销", "办下一件。")


def _made_of(ids: Sequence[int]) -> dict[int, list[Decision]]:
    """Return all decisions on these documents, oldest first."""
    made: dict[int, list[Decision]] = {pk: [] for pk in ids}
    for decision in Decision.objects.filter(among(ids, "document_id")).order_by("id"):
        made[decision.document_id].append(decision)
    return made


def _gesture() -> str:
    """The number of this request, or one of its own outside of requests: what is undone together shares it."""
    now = audit.current_gesture.get()
    return now.id if now else uuid.uuid4().hex

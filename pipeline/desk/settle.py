"""What all decisions have in common: what is read for them, and what they make of their cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.desk import audit
from pipeline.desk.among import among
from pipeline.desk.rounds import state_after
from pipeline.desk.schemes import decided_ids
from pipeline.desk.states import State
from pipeline.desk.tables import Case, CaseLabel, Decision
from pipeline.desk.upsert import reserve
from pipeline.errors import ZuofengError

__all__ = ["AT_ONCE", "PAUSE", "ConflictError", "made_of", "purged", "read_cases", "settle"]

#: Documents that are decided, or taken back, in one transaction: all who decide wait until it ends.
AT_ONCE = 200
#: Seconds between two parts: on SQLite who waits only looks so often whether it is free.
PAUSE = 0.1


class ConflictError(ZuofengError):
    """Nothing was saved: somebody else or the night was there first, or the choice makes no sense."""


def purged() -> ConflictError:
    """Return why nothing is decided of a document without a text."""
    return ConflictError("ZF-DESK-PURGED", "原文已按保留期清除，不能再判，也不能撤销", "办下一件。")


def read_cases(ids: Sequence[int]) -> dict[int, Case]:
    """Return cases that are locked, in their order, with all that a decision asks of them but for the texts."""
    rows = Case.objects.filter(among(ids)).select_related("document", "prediction", "holder", "assignee")
    rows = rows.defer("document__text", "prediction__scores", "prediction__evidence")
    return {case.pk: case for case in rows.order_by("pk")}


def made_of(ids: Sequence[int]) -> dict[int, list[Decision]]:
    """Return all decisions on these documents, oldest first."""
    made: dict[int, list[Decision]] = {pk: [] for pk in ids}
    for decision in Decision.objects.filter(among(ids, "document_id")).order_by("id"):
        made[decision.document_id].append(decision)
    return made


def settle(rows: Sequence[Decision], cases: Mapping[int, Case], made: dict[int, list[Decision]]) -> None:
    """Store new decisions, behind everybody who has a number already; give their ``cases`` the state and labels that
    all decisions make, and let go of them.
    """
    audit.line_up()
    for decision, number in zip(rows, reserve(Decision, len(rows)), strict=True):
        decision.pk = number
        made[decision.document_id].append(decision)
    Decision.objects.bulk_create(rows)
    labels: list[CaseLabel] = []
    states: dict[str, list[int]] = {}
    for case in cases.values():
        case.state, said = state_after(made[case.pk], case.text_hash)
        states.setdefault(case.state, []).append(case.pk)
        by_people = said is not None
        if said is None:
            said = [] if case.unseen else decided_ids(case.prediction.decided)
        labels += [CaseLabel(case_id=case.pk, label=i, by_people=by_people) for i in dict.fromkeys(said)]
    for state, ids in states.items():
        # It was given to somebody for a first reading; the next one is another person's.
        given = {} if state == State.OPEN else {"assignee": None}
        Case.objects.filter(among(ids)).update(state=state, holder=None, held_until=None, **given)
    CaseLabel.objects.filter(among(list(cases), "case_id")).delete()
    CaseLabel.objects.bulk_create(labels)

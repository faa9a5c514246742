"""A filled-in workbook comes back: read, checked against the store row by row, shown before anything is saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from django.contrib.sessions.backends.db import SessionStore
from django.db.models import F

from pipeline.batch.sources.archive import check_archive, damaged
from pipeline.batch.sources.limits import Limits
from pipeline.batch.writeback import plain_cell
from pipeline.desk.decide import Choice, decide_each
from pipeline.desk.export import ANSWERS, MOST_ROWS, header, last_known, model_cell, model_labels, seal_of
from pipeline.desk.schemes import flat, taxonomy
from pipeline.desk.states import KINDS, STATES, Kind, State
from pipeline.desk.tables import Case, Decision, User
from pipeline.errors import SourceError, ZuofengError
from pipeline.exchange.labelled import label_ids

__all__ = ["MOST_BYTES", "Answer", "apply", "check", "keep", "read_workbook", "take"]

MOST_BYTES = 20 * 2**20
#: A preview older than this has to be made again, in seconds.
FRESH = 1800
#: The longest number with the apostrophe that keeps it from being run.
MOST_KEY = 200 + 1
_LIMITS = Limits(max_unzipped_bytes=128 * 2**20)
_ACTIONS = {
    KINDS[Kind.CONFIRM]: "save",
    KINDS[Kind.CORRECT]: "save",
    KINDS[Kind.REJECT]: "reject",
    KINDS[Kind.UNSURE]: "unsure",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One row that somebody filled in. ``conflict`` says why it will not be saved, empty when it can be."""

    row: int
    key: str
    said: str
    labels: tuple[str, ...] = ()
    note: str = ""
    document: int = 0
    text_hash: str = ""
    conflict: str = ""


def read_workbook(name: str, file: BinaryIO) -> list[tuple[int, dict[str, str]]]:
    """Return (row number, values by head) of the rows somebody filled in; raises SourceError."""
    from openpyxl import load_workbook

    shown = Path(name).name[:80]
    check_archive(Path(shown), file, _LIMITS)
    book: Any = None
    try:
        book = load_workbook(file, read_only=True, data_only=False)
        rows = book.worksheets[0].iter_rows(min_row=2, max_row=MOST_ROWS + 2, max_col=len(header()), values_only=True)
        heads = [_text(v) for v in next(rows, ())]
        if heads != header():
            raise SourceError(
                "ZF-IMPORT-HEADER", f"{shown} 的表头与导出的不同", "请在导出的工作簿里填写，不要增删、移动列。"
            )
        return list(_filled(rows))
    except (ZuofengError, MemoryError):
        raise
    except Exception as e:  # openpyxl raises whatever the damage provokes: SyntaxError, IndexError …
        raise damaged(shown, e) from e
    finally:
        if book is not None:
            book.close()


def check(rows: list[tuple[int, dict[str, str]]], user: User) -> list[Answer]:
    """Compare each row with what the store holds now."""
    keys = {k for _, values in rows for k in (values["编号"], plain_cell(values["编号"]))}
    known = Case.objects.filter(document__key__in=keys).select_related("document", "prediction")
    cases = {c.document.key: c for c in known}
    ids = [c.pk for c in cases.values()]
    last = last_known(ids)
    own = Decision.objects.standing().filter(document__in=ids, by=user, text_hash=F("document__case__text_hash"))
    mine = set(own.values_list("document_id", flat=True))
    seen: set[str] = set()
    found = []
    for number, values in rows:
        if values["编号"] not in cases:
            # A number that looks like a formula went out with an apostrophe; one that has its own keeps it.
            values["编号"] = plain_cell(values["编号"])
        case = cases.get(values["编号"])
        answer = _answer(number, values, case, last.get(case.pk, 0) if case else 0)
        if not answer.conflict and answer.key in seen:
            answer = _wrong(answer, "同一编号在表里出现了两次")
        if not answer.conflict and case is not None and case.state == State.SECOND and case.pk in mine:
            answer = _wrong(answer, "您已判过，要由另一个人再看")
        seen.add(answer.key)
        found.append(answer)
    return found


def keep(answers: list[Answer], user: User) -> str:
    """Keep what `check` found good until it is saved; return the name under which ``user`` gets it.

    In a session of its own: in the page, a form would have to hold thousands of rows.
    """
    kept = SessionStore()
    kept["by"], kept["answers"] = user.pk, [asdict(a) for a in answers if not a.conflict]
    kept.set_expiry(FRESH)
    kept.save()
    return str(kept.session_key)


def take(name: str, user: User) -> list[dict[str, Any]]:
    """Return what was kept for ``user``, once; nothing when it is old, taken already or somebody else's."""
    kept = SessionStore(name)
    if kept.get("by") != user.pk:
        return []
    answers: list[dict[str, Any]] = kept["answers"]
    kept.delete()
    return answers


def apply(answers: list[dict[str, Any]], user: User) -> tuple[int, list[tuple[str, str]]]:
    """Save what `check` found good; return how many, and (number, reason) of those that failed after all."""
    choices = [
        Choice(a["document"], _ACTIONS[a["said"]], tuple(a["labels"]), a["text_hash"], note=a["note"]) for a in answers
    ]
    refused = decide_each(user, choices)
    return len(answers) - len(refused), [
        (a["key"], refused[a["document"]].message) for a in answers if a["document"] in refused
    ]


def _answer(number: int, values: dict[str, str], case: Case | None, last: int) -> Answer:
    said = values["判定"]
    words = [w.strip() for w in values["标签"].replace(";", "；").split("；") if w.strip()]
    answer = Answer(row=number, key=values["编号"], said=said, note=values["备注"][:4000])
    if case is None:
        return _wrong(answer, "没有这个编号")
    then, _, rest = values["校验"].partition(".")
    text_hash = rest.partition(".")[0]
    shown = values["模型判定"]
    sealed = seal_of(values["编号"], values["原文"], shown, text_hash, int(then) if then.isdecimal() else -1)
    if sealed != values["校验"]:
        return _wrong(answer, "编号、原文、模型判定或校验码在表里被改过，或是旧版导出的；请重新导出再填")
    if text_hash != case.text_hash:
        return _wrong(answer, "导出之后原文更新了")
    if case.document.purged:
        return _wrong(answer, "导出之后原文已按保留期清除")
    if int(then) != last or case.state in (State.DONE, State.DISPUTED):
        return _wrong(answer, f"导出之后别人判过，现在是“{STATES[State(case.state)]}”")
    if said not in _ACTIONS:
        return _wrong(answer, f"判定“{said}”不在列表里" if said else "填了标签或备注，没有选判定")
    found, unknown = label_ids(words, taxonomy())
    if unknown:
        return _wrong(answer, "；".join(unknown))
    if case.unseen and shown:
        return _wrong(answer, "导出之后抽作盲判；请重新导出，凭原文判")
    labels = tuple(flat(found)) if said != KINDS[Kind.REJECT] else ()
    if said == KINDS[Kind.CONFIRM]:
        # Before anything is compared with what the model says: what differs would tell.
        if case.unseen:
            return _wrong(answer, "这件是盲判，没有可确认的；写标签选“更正”，或选“无此问题”")
        # Confirmed is what the row showed, not what a later night says.
        if set(shown.split("；")) != set(model_cell(case).split("；")):
            return _wrong(answer, "导出之后模型的判定变了；请重新导出再填")
        if words and set(labels) != set(model_labels(case)):
            return _wrong(answer, "选了“确认”，标签却与模型不同；应选“更正”")
        labels = tuple(model_labels(case))
    if said == KINDS[Kind.CORRECT] and not words:
        return _wrong(answer, "选了“更正”，没有写标签")
    return replace(answer, labels=labels, document=case.pk, text_hash=case.text_hash)


def _wrong(answer: Answer, why: str) -> Answer:
    return replace(answer, conflict=why)


def _filled(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[int, dict[str, str]]]:
    for number, row in enumerate(rows, 3):
        padded = [*row, *[None] * (len(header()) - len(row))]
        values = dict(zip(header(), map(_text, padded), strict=True))
        if any(values[a] for a in ANSWERS):
            values["编号"] = values["编号"][:MOST_KEY]
            yield number, values


def _text(value: Any) -> str:
    return "" if value is None else str(value)

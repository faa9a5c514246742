"""What goes in and out of the interface. The descriptions are its documentation."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

__all__ = [
    "Accepted", "Classified", "Decided", "Decisions", "DocumentOut", "Fault", "Incoming", "IncomingBatch", "Predicted",
    "Predictions", "RunOut", "Runs", "Text", "Texts",
]  # fmt: skip

MOST_TEXTS = 100
MOST_CHARACTERS = 200_000

#: Neither empty nor with blanks around it; no control characters, which no database and no log wants.
_SEEN = r"[^\s\x00-\x1f\x7f]"
Key = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=rf"^{_SEEN}(?:[^\x00-\x1f\x7f]*{_SEEN})?$")
]
Body = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS, pattern=r"\S")]


class _In(Schema):
    model_config = ConfigDict(extra="forbid")


class Text(_In):
    """One text to classify."""

    id: Key = Field(description="调用方的编号，原样返回")
    text: Body = Field(description="正文")


class Texts(_In):
    """Texts to classify."""

    documents: list[Text] = Field(min_length=1, max_length=MOST_TEXTS)


class Incoming(_In):
    """One new document."""

    id: Key = Field(description="编号，全库唯一")
    text: Body = Field(description="正文")
    title: str = Field("", max_length=500, description="标题")
    time: str = Field("", max_length=60, description="收到时间，如 2026-03-01 09:30")
    unit: str = Field("", max_length=200, description="承办单位")
    channel: str = Field("", max_length=100, description="渠道")
    district: str = Field("", max_length=100, description="地区")


class IncomingBatch(_In):
    """New documents."""

    documents: list[Incoming] = Field(min_length=1, max_length=MOST_TEXTS)


class Fault(Schema):
    """Why a request was not served."""

    code: str = Field(description="错误代码，ZF-…")
    message: str = Field(description="哪里不对")
    hint: str = Field(description="下一步怎么办")
    details: list[str] = Field(description="逐条说明")


class Classified(Schema):
    """One result per text, in order: the object of ``zuofeng classify``, or why there is none."""

    results: list[dict[str, Any]] = Field(description="与 zuofeng classify 的输出相同；打不了分的为 {id, code, reason}")
    model: str = Field(description="打分的模型；一件都没有打成时为空")


class Accepted(Schema):
    """What became of the documents handed in."""

    accepted: list[str] = Field(description="已收下，等夜间任务打分")
    known: list[str] = Field(description="库里已有同编号同文的件，不必再交")


class RunOut(Schema):
    """A night or re-scoring."""

    number: int = Field(description="序号，作 after 用")
    run: str = Field(description="运行编号")
    kind: str
    model: str
    state: str = Field(description="done 做完；died 中途断了，由后来的一次接替；failed 没做成。断之前打的分只在它名下")
    started: dt.datetime
    finished: dt.datetime | None


class Runs(Schema):
    """A page of runs."""

    items: list[RunOut]
    next: int | None = Field(description="下一页的 after；没有下一页时为空")


class Predicted(Schema):
    """What a model said of a document. While a person still has to judge it without the model, it is withheld."""

    number: int = Field(description="序号，作 after 用")
    id: str = Field(description="件的编号")
    current: bool = Field(description="打分的文本就是现在的文本")
    text_hash: str
    model: str
    taxonomy: str
    run: str
    withheld: bool = Field(description="抽作盲样，人还没判完：模型说的暂不给")
    is_problem: bool | None
    problem_score: float | None
    decided: dict[str, list[dict[str, Any]]] | None = Field(description="判出的标签，按方案分")
    scores: dict[str, dict[str, float]] | None
    evidence: list[dict[str, Any]] | None = Field(description="证据；个人信息已遮盖，位置按原文")
    review: bool | None


class Predictions(Schema):
    """A page of predictions."""

    items: list[Predicted]
    next: int | None = Field(description="下一页的 after；没有下一页时为空")


class Decided(Schema):
    """What a person decided. While a second person still has to read it blind, what it says is withheld."""

    number: int = Field(description="序号，作 after 用")
    id: str = Field(description="件的编号")
    at: dt.datetime
    turn: str = Field(description="first 初判、second 第二人、final 裁定")
    withheld: bool = Field(description="正等第二人背靠背再看：内容暂不给")
    kind: str | None = Field(
        description="confirm、correct、reject、unsure、undo；抽作盲样、还没判完的件，前三种会透露模型说的，也不给"
    )
    labels: dict[str, list[str]] | None
    note: str | None = Field(description="备注，已遮盖")
    undoes: int | None = Field(description="撤销的是哪一条")
    state: str = Field(description="件现在的状态")
    current: bool = Field(description="判的文本就是现在的文本")
    model: str


class Decisions(Schema):
    """A page of decisions."""

    items: list[Decided]
    next: int | None = Field(description="下一页的 after；没有下一页时为空")


class DocumentOut(Schema):
    """One document with what the model and people said."""

    id: str
    title: str = Field(description="标题，已遮盖")
    text: str = Field(description="正文，已遮盖；已按保留期清除的为空")
    received: str
    unit: str
    channel: str
    district: str
    purged: bool
    state: str | None
    predictions: list[Predicted]
    decisions: list[Decided]

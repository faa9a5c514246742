"""The words of a case's life, as the store holds them and as pages say them."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["KINDS", "RULES", "STATES", "TURNS", "Kind", "Rule", "State", "Turn"]


class State(StrEnum):
    """What has to happen next with a document."""

    AUTO = "auto"
    OPEN = "open"
    SECOND = "second"
    DISPUTED = "disputed"
    DONE = "done"


class Kind(StrEnum):
    """How a decision relates to what the model said."""

    CONFIRM = "confirm"
    CORRECT = "correct"
    REJECT = "reject"
    UNSURE = "unsure"
    UNDO = "undo"


class Turn(StrEnum):
    """In which turn a decision was made."""

    FIRST = "first"
    SECOND = "second"
    FINAL = "final"


class Rule(StrEnum):
    """Which of an office's two lists on 容错."""

    SITUATION = "situation"
    CONDITION = "condition"


STATES = {
    State.OPEN: "待判",
    State.SECOND: "待第二人",
    State.DISPUTED: "待裁定",
    State.DONE: "已办",
    State.AUTO: "未入队",
}
KINDS = {
    Kind.CONFIRM: "确认",
    Kind.CORRECT: "更正",
    Kind.REJECT: "无此问题",
    Kind.UNSURE: "拿不准",
    Kind.UNDO: "撤销",
}
TURNS = {Turn.FIRST: "初判", Turn.SECOND: "第二人", Turn.FINAL: "裁定"}
RULES = {Rule.SITUATION: "情形", Rule.CONDITION: "条件"}

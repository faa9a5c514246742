"""Forms as one automaton: what Python's ``re`` would try next, in its order, for every place in every form.

A state is a place between two tokens of a form. Its leaves are what may come there, best first: a character, a gap,
the end. Followed in this order, with steps back, a form ends where ``re`` ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.ndarrays import Bools, Ints, Shorts
from pipeline.text.compiled import compiled, wide
from pipeline.text.forms import CLAUSE_ENDS, form_tokens
from pipeline.text.normalise import code_points

__all__ = ["END", "FAIL", "GAP", "Automaton", "build_automaton"]

# Leaves and tokens that are no class of characters; gap g is GAP - g.
END, _OPEN, _BAR, _CLOSE, _MAYBE, FAIL, GAP = -1, -2, -3, -4, -5, -6, -7
_MARKS = {"": END, "(": _OPEN, "|": _BAR, ")": _CLOSE, "?": _MAYBE}
#: What a gap runs over: anything but a new line, the same clause.
_ANY, _CLAUSE = 0, 1
_SAME_CLAUSE = (0, 6, _CLAUSE)
_POINTS = 0x110000


class Automaton(NamedTuple):
    """Arrays for compiled code; a class is a character of some form, 0 any other, the last the end of a text."""

    #: Class of each code point, (code points,).
    classes: npt.NDArray[np.uint16]
    #: State each form begins with; its others follow, up to the next form's: (forms + 1,).
    start: Shorts
    #: Bits of the classes that can come, modulo 64 (all if not only characters can), and the first leaf: (states,).
    wanted: Ints
    first: Shorts
    #: Class, gap, END or FAIL behind the last one; the state that follows; what else can come after this class,
    #: as leaf, or -1: (leaves,).
    leaf: Shorts
    follow: Shorts
    rest: Shorts
    #: Fewest, most, what it runs over: (gaps, 3). Which classes that are: (2, classes).
    gap: Shorts
    over: Bools
    #: Tokens of the longest form.
    longest: int


def build_automaton(forms: Sequence[str]) -> Automaton:
    """Return the automaton of valid ``forms``; raises ValueError where brackets do not fit."""
    tokens, begin, gaps, characters = _tokens(forms)
    points = code_points("".join(characters))
    # Classes by frequency: where only some bits of a class count, the frequent ones are told apart.
    letter = tokens > 0
    rank = np.zeros(len(points) + 1, np.int32)
    rank[1 + np.argsort(-np.bincount(tokens[letter] - 1, minlength=len(points)), kind="stable")] = range(1, len(rank))
    tokens[letter] = rank[tokens[letter]]
    classes = np.zeros(_POINTS, np.uint16)
    classes[points] = rank[1:]
    over = np.ones((2, len(points) + 2), bool)
    over[:, -1] = False
    over[_ANY, classes[ord("\n")]] = False
    over[_CLAUSE, classes[[ord(c) for c in CLAUSE_ENDS]]] = False
    bar, close, wrong = _link(tokens)
    if wrong >= 0:
        raise ValueError(f"写法 {forms[int(np.searchsorted(begin, wrong, 'right')) - 1]} 的括号不合")
    start, wanted, first, leaf, follow = _states(tokens, bar, close, begin)
    longest = int(np.diff(begin, append=len(tokens)).max(initial=0))
    return Automaton(classes, start, wanted, first, leaf, follow, _rest(leaf), gaps, over, longest)


def _tokens(forms: Sequence[str]) -> tuple[Shorts, Ints, Shorts, list[str]]:
    """Return all tokens as numbers, where each form begins, the gaps, the characters of classes 1, 2, …"""
    # Characters that gaps tell apart have a class, used or not.
    numbers = {c: n for n, c in enumerate(dict.fromkeys("\n" + CLAUSE_ENDS), 1)}
    known = dict(_MARKS)
    gaps: list[tuple[int, int, int]] = []
    tokens: list[int] = []
    begin = []
    for form in forms:
        begin.append(len(tokens))
        for token in (*form_tokens(form), ""):
            if token not in known:
                if token[0] in "~.":
                    known[token] = GAP - len(gaps)
                    gaps.append(_gap(token))
                else:
                    known[token] = numbers.setdefault(token[-1], len(numbers) + 1)
            tokens.append(known[token])
    return (
        np.array(tokens, np.int32),
        np.array(begin, np.int64),
        np.array(gaps, np.int32).reshape(-1, 3),
        list(numbers),
    )


def _gap(token: str) -> tuple[int, int, int]:
    if token[0] == ".":
        least, most = token[2:-1].split(",") if len(token) > 2 else ("0", "1")
        return int(least), int(most), _ANY
    return _SAME_CLAUSE


@compiled
def _link(tokens: Shorts) -> tuple[Shorts, Shorts, int]:
    """Return for each opening bracket and bar the next bar or the end of its group, that end, and the first mistake."""
    bar = np.zeros(len(tokens), np.int32)
    close = np.zeros(len(tokens), np.int32)
    opened = np.zeros(len(tokens), np.int32)
    last = np.zeros(len(tokens), np.int32)
    depth = 0
    for t in range(len(tokens)):
        kind = tokens[t]
        if kind == _OPEN:
            opened[depth] = last[depth] = t
            depth += 1
        elif kind in (_BAR, _CLOSE):
            if depth == 0:
                return bar, close, t
            bar[last[depth - 1]] = t
            last[depth - 1] = t
            if kind == _CLOSE:
                depth -= 1
                x = opened[depth]
                while x != t:
                    close[x] = t
                    x = bar[x]
        elif kind == END and depth:
            return bar, close, t
    return bar, close, -1


@compiled
def _settle(t: int, tokens: Shorts, close: Shorts) -> int:
    """Return where matching goes on from token ``t``: out of finished branches, behind question marks."""
    while True:
        if tokens[t] == _BAR:
            t = close[t] + 1
        elif tokens[t] in (_CLOSE, _MAYBE):
            t += 1
        else:
            return t


@compiled
def _states(tokens: Shorts, bar: Shorts, close: Shorts, begin: Ints) -> tuple[Shorts, Ints, Shorts, Shorts, Shorts]:
    """Return start, wanted, first, leaf and follow of the automaton."""
    number = np.full(len(tokens), -1, np.int32)
    token = np.empty(len(tokens), np.int32)
    seen = np.full(len(tokens), -1, np.int32)
    stack = np.empty(len(tokens) + 1, np.int32)
    start = np.empty(len(begin) + 1, np.int32)
    wanted = np.empty(len(tokens), np.int64)
    first = np.empty(len(tokens), np.int32)
    leaf = np.empty(4 * len(tokens) + 16, np.int32)
    follow = np.empty(len(leaf), np.int32)
    states = leaves = s = 0
    for f in range(len(begin)):
        t = _settle(begin[f], tokens, close)
        start[f] = states
        number[t] = states
        token[states] = t
        states += 1
        while s < states:
            bits = 0
            first[s] = leaves
            stack[0] = token[s]
            top = 1
            while top:
                top -= 1
                t = _settle(stack[top], tokens, close)
                # Reached before in this state, it has been tried before, with the same outcome.
                if seen[t] == s:
                    continue
                seen[t] = s
                kind = wide(tokens[t])
                if kind == _OPEN:
                    if tokens[close[t] + 1] == _MAYBE:
                        stack[top] = close[t] + 2
                        top += 1
                    # The first branch is tried first, so it goes to the top.
                    branches = 0
                    x = wide(t)
                    while x != close[t]:
                        branches += 1
                        x = wide(bar[x])
                    x = wide(t)
                    for i in range(branches):
                        stack[top + branches - 1 - i] = x + 1
                        x = wide(bar[x])
                    top += branches
                    continue
                if leaves + 2 > len(leaf):
                    leaf = np.concatenate((leaf, leaf))
                    follow = np.concatenate((follow, follow))
                leaf[leaves] = kind
                follow[leaves] = -1
                bits |= 1 << (kind & 63) if kind >= 0 else -1
                if kind == END:
                    # What stands behind it is never needed.
                    top = 0
                else:
                    t = wide(t)
                    u = _settle(t + 1, tokens, close)
                    if number[u] < 0:
                        number[u] = states
                        token[states] = u
                        states += 1
                    follow[leaves] = number[u]
                    if tokens[t + 1] == _MAYBE:
                        stack[top] = t + 2
                        top += 1
                leaves += 1
            leaf[leaves] = FAIL
            leaves += 1
            wanted[s] = bits
            s += 1
    start[-1] = states
    return start, wanted[:states], first[:states], leaf[:leaves], follow[:leaves]


@compiled
def _rest(leaf: Shorts) -> Shorts:
    """Return for each leaf the next one of its state that can come too where this one can, or -1."""
    rest = np.full(len(leaf), -1, np.int32)
    for k in range(len(leaf)):
        j = k
        while leaf[j] != FAIL:
            j += 1
            if leaf[j] == FAIL:
                break
            if leaf[k] < 0 or leaf[j] < 0 or leaf[j] == leaf[k]:
                rest[k] = j
                break
    return rest

"""Finds thousands of forms in whole batches of texts, exactly as Python's ``re`` would, each wherever it begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.text.automaton import END, FAIL, GAP, build_automaton
from pipeline.text.beginnings import HASH, find_beginnings
from pipeline.text.compiled import compiled, wide

__all__ = ["Matcher"]

Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint16]

_NEVER = 2**62


class Matcher:
    """Forms ready to be found; building takes a tenth of a second for some thousand forms."""

    def __init__(self, forms: Sequence[str]) -> None:
        self._automaton = build_automaton(forms)
        self._beginnings = find_beginnings(self._automaton)

    def find(self, texts: Sequence[str], owner: Ints | None = None) -> Ints:
        """Return (text, form, start, end) of every place, (places, 4), in reading order, forms by number.

        With the ``owner`` of each form, only the first place of each owner in each text.
        """
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        size = np.fromiter(map(len, texts), np.int64, len(texts))
        end = np.cumsum(size)
        return self.find_in(points, end - size, end, owner)

    def find_in(self, points: npt.NDArray[np.uint32], start: Ints, end: Ints, owner: Ints | None = None) -> Ints:
        """Return what `find` does for the texts ``points[start:end]``."""
        a, b = self._automaton, self._beginnings
        codes, stops = _codes(points, start, end, a.classes, a.over.shape[1] - 1)
        tries = np.empty((len(codes) + 64, 4), np.int32)
        while (
            n := _tries(
                codes, tries, b.second, b.slots, b.span, b.bits, b.then, b.tail, b.reach, b.go, b.begun, b.waits
            )
        ) < 0:
            tries = np.empty((2 * len(tries), 4), np.int32)
        tries = tries[:n]
        _ends(codes, tries, len(a.start), a.longest, a.wanted, a.first, a.leaf, a.follow, a.rest, a.gap, a.over)
        each = np.arange(len(a.start)) if owner is None else owner
        return _places(tries, stops, each, owner is None, each.max(initial=0) + 1)


@compiled
def _codes(points: npt.NDArray[np.uint32], start: Ints, end: Ints, classes: Codes, stop: int) -> tuple[Codes, Ints]:
    """Return the classes of all texts, each followed by ``stop``, and where those are."""
    stops = np.empty(len(start), np.int64)
    room = len(start)
    for t in range(len(start)):
        room += end[t] - start[t]
    codes = np.empty(room, np.uint16)
    n = 0
    for t in range(len(start)):
        for i in range(start[t], end[t]):
            codes[n] = classes[points[i]]
            n += 1
        codes[n] = stop
        stops[t] = n
        n += 1
    return codes, stops


@compiled
def _tries(
    codes: Codes,
    tries: Shorts,
    second: Ints,
    pairs: Ints,
    span: Shorts,
    bits: Ints,
    then: Ints,
    tail: Shorts,
    reach: Shorts,
    go: Shorts,
    begun: Shorts,
    waits: int,
) -> int:
    """Fill ``tries`` with entries and places worth a try, from the last place to the first; -1 if there is no room."""
    n = 0
    count = len(second)
    mask = len(pairs) - 1
    b = c = d = count - 1
    # Where each tail begins next: known, because the way is from right to left.
    next_tail = np.full(waits, _NEVER, np.int64)
    next_tail[0] = -1
    for at in range(len(codes) - 1, -1, -1):
        a = wide(codes[at])
        head = 0
        if second[a] >> (b & 63) & 1:
            key = a * count + b
            slot = (key * HASH >> 20) & mask
            while pairs[slot]:
                if pairs[slot] >> 24 == key:
                    head = pairs[slot] & 0xFFFFFF
                    break
                slot = (slot + 1) & mask
        if n + span[4 * head + 4] - span[4 * head] + span[4 * a + 4] - span[4 * a] > len(tries):
            return -1
        if head:
            for i in range(span[4 * head], span[4 * head + 1]):
                if bits[i] >> (c & 63) & 1 and then[i] >> (d & 63) & 1:
                    n = _note(tries, n, at, i, go)
            for i in range(span[4 * head + 1], span[4 * head + 4]):
                if next_tail[tail[i]] <= at + reach[i] and bits[i] >> (c & 63) & 1:
                    n = _note(tries, n, at, i, go)
            for i in range(span[4 * head + 2], span[4 * head + 6]):
                next_tail[begun[i]] = at
        for i in range(span[4 * a], span[4 * a + 1]):
            if bits[i] >> (b & 63) & 1:
                n = _note(tries, n, at, i, go)
        for i in range(span[4 * a + 1], span[4 * a + 4]):
            if next_tail[tail[i]] <= at + reach[i] and bits[i] >> (b & 63) & 1:
                n = _note(tries, n, at, i, go)
        for i in range(span[4 * a + 2], span[4 * a + 6]):
            next_tail[begun[i]] = at
        d = c
        c = b
        b = a
    return n


@compiled
def _note(tries: Shorts, n: int, at: int, i: int, go: Shorts) -> int:
    """Add entry ``i`` to the tries: form, place, state to begin with and how many characters on."""
    tries[n, 0] = go[i, 0]
    tries[n, 1] = at
    tries[n, 2] = go[i, 1]
    tries[n, 3] = go[i, 2]
    return n + 1


@compiled
def _ends(
    codes: Codes,
    tries: Shorts,
    forms: int,
    longest: int,
    wanted: Ints,
    first: Shorts,
    leaf: Shorts,
    follow: Shorts,
    rest: Shorts,
    gap: Shorts,
    over: Bools,
) -> None:
    """Replace the state of each try by where it ends, -1 if nowhere."""
    # Form by form, so that what belongs to one form is at hand.
    begin = np.zeros(forms + 1, np.int64)
    for t in range(len(tries)):
        begin[tries[t, 0] + 1] += 1
    for f in range(forms):
        begin[f + 1] += begin[f]
    order = np.empty((len(tries), 3), np.int32)
    for t in range(len(tries)):
        f = tries[t, 0]
        i = begin[f]
        order[i, 0] = t
        order[i, 1] = tries[t, 2]
        order[i, 2] = tries[t, 1] + tries[t, 3]
        begin[f] += 1
    stack = np.empty((2 * longest + 4, 3), np.int64)
    for i in range(len(order)):
        tries[order[i, 0], 2] = _end(
            codes, wide(order[i, 2]), wide(order[i, 1]), stack, wanted, first, leaf, follow, rest, gap, over
        )


@compiled
def _places(tries: Shorts, stops: Ints, owner: Ints, every: bool, owners: int) -> Ints:
    """Return (text, form, start, end) of the tries that end somewhere, in reading order."""
    found = np.empty((len(tries), 4), np.int64)
    last = np.full(owners, -1, np.int64)
    n = first = begin = text = 0
    place = -1
    for t in range(len(tries) - 1, -1, -1):
        end = wide(tries[t, 2])
        if end < 0:
            continue
        at = wide(tries[t, 1])
        while stops[text] < at:
            begin = stops[text] + 1
            text += 1
        if at != place:
            place = at
            first = n
        form = wide(tries[t, 0])
        # By number; a form can have been tried twice.
        j = n
        while j > first and found[j - 1, 1] > form:
            j -= 1
        if j > first and found[j - 1, 1] == form:
            continue
        for k in range(n, j, -1):
            found[k, 1] = found[k - 1, 1]
            found[k, 3] = found[k - 1, 3]
        found[j, 1] = form
        found[j, 3] = end - begin
        found[n, 0] = text
        found[n, 2] = at - begin
        n += 1
    if every:
        return found[:n]
    kept = 0
    for i in range(n):
        o = owner[found[i, 1]]
        if last[o] != found[i, 0]:
            last[o] = found[i, 0]
            for q in range(4):
                found[kept, q] = found[i, q]
            kept += 1
    return found[:kept]


@compiled
def _end(
    codes: Codes,
    at: int,
    s: int,
    stack: Ints,
    wanted: Ints,
    first: Shorts,
    leaf: Shorts,
    follow: Shorts,
    rest: Shorts,
    gap: Shorts,
    over: Bools,
) -> int:
    """Return where a form ends that is in state ``s`` at ``at``, -1 if nowhere; ``stack`` is room to work in.

    On the stack wait leaf, place, and the length to try next if the leaf is a gap tried before, else -1.
    """
    top = 0
    while True:
        # From state s at this place on.
        c = wide(codes[at])
        k = wide(first[s]) if wanted[s] >> (c & 63) & 1 else -1
        length = -1
        while True:
            if k < 0:
                if top == 0:
                    return -1
                top -= 1
                k, at, length = stack[top, 0], stack[top, 1], stack[top, 2]
                c = wide(codes[at])
            while leaf[k] >= 0 and leaf[k] != c:
                k += 1
            kind = wide(leaf[k])
            if kind == END:
                return at
            if kind == FAIL:
                k = -1
                continue
            if length < 0 and rest[k] >= 0:
                stack[top, 0], stack[top, 1], stack[top, 2] = rest[k], at, -1
                top += 1
            s = wide(follow[k])
            if kind >= 0:
                at += 1
                break
            g = GAP - kind
            if length < 0:
                length = 0
                while length < gap[g, 1] and over[gap[g, 2], codes[at + length]]:
                    length += 1
            # The longest that something can follow; shorter ones wait on the stack.
            while length >= gap[g, 0] and not wanted[s] >> (codes[at + length] & 63) & 1:
                length -= 1
            if length < gap[g, 0]:
                k = length = -1
                continue
            if length > gap[g, 0]:
                stack[top, 0], stack[top, 1], stack[top, 2] = k, at, length - 1
                top += 1
            at += length
            break

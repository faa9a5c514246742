"""The plain way to find forms, with Python's ``re``: the reference of the compiled matcher, ready at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set

import numpy as np

from pipeline.ndarrays import Ints
from pipeline.text.forms import HEAD, OPEN, form_heads, may_fit, parse_form

__all__ = ["LITTLE", "PlainMatcher", "index_heads"]

#: So many characters a process reads without compiled code, concepts and all else: about as long as loading it takes.
LITTLE = 25_000
#: A form that is asked for in more sentences is compiled whether it can be there or not.
PATIENCE = 4
_Match = Callable[[str, int], re.Match[str] | None]


def index_heads(forms: Sequence[str]) -> dict[str, list[int]]:
    """Return the numbers of the forms that begin with each one or two characters."""
    heads: dict[str, list[int]] = {}
    for number, form in enumerate(forms):
        for head in sorted({h.rstrip(OPEN) for h in form_heads(form)}):
            heads.setdefault(head, []).append(number)
    return heads


class PlainMatcher:
    """Forms and the index of their heads; each is compiled when a text first has its head and may have the rest."""

    def __init__(self, forms: Sequence[str], heads: Mapping[str, Sequence[int]]) -> None:
        self._forms = forms
        self._heads = heads
        self._match: list[_Match | None] = [None] * len(forms)
        self._asked = [0] * len(forms)

    def find(self, texts: Sequence[str], owner: Ints | None = None) -> Ints:
        """Return (text, form, start, end) of every place, (places, 4), in reading order, forms by number.

        With the ``owner`` of each form, only the first place of each owner in each text.
        """
        return np.array(list(self._places(texts, None if owner is None else owner.tolist())), np.int64).reshape(-1, 4)

    def _places(self, texts: Sequence[str], owner: list[int] | None) -> Iterator[tuple[int, int, int, int]]:
        for row, text in enumerate(texts):
            seen: set[int] = set()
            characters, out = set(text), set[int]()
            for at, first in enumerate(text):
                pair = text[at : at + HEAD]
                double, single = self._heads.get(pair, ()) if pair != first else (), self._heads.get(first, ())
                for number in sorted({*double, *single}) if double else single:
                    if number in out or (owner and owner[number] in seen):
                        continue
                    match = self._match[number] or self._compile(number, characters)
                    if not match:
                        out.add(number)
                    elif found := match(text, at):
                        yield row, number, at, found.end()
                        if owner:
                            seen.add(owner[number])

    def _compile(self, number: int, characters: Set[str]) -> _Match | None:
        """Return None, which is found out sooner, if no text of these ``characters`` has the form."""
        form = self._forms[number]
        self._asked[number] += 1
        if self._asked[number] <= PATIENCE and not (may_fit(form, characters) and parse_form(form).fits(characters)):
            return None
        match = re.compile(parse_form(form).regex()).match
        self._match[number] = match
        return match
